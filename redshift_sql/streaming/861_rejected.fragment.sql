select
    cast('{s}' as varchar(127)) as source,
    kafka_partition,
    kafka_offset,
    kafka_timestamp,
    value_bytes,
    reason,
    detail
from staging.{s}_stream
where reason is not null
