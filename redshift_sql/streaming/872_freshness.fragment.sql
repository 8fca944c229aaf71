select
    cast('{s}' as varchar(127)) as source,
    cast('{s}_stream_v{version}' as varchar(127)) as mv_name,
    count(*) as records,
    max(kafka_timestamp) as newest_record_at
from staging.{s}_stream_v{version}
