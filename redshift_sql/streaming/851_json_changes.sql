-- The records of topic {topic}, which are JSON as their producer wrote it: no contract types here.
-- grain: one row per record of the topic
create view staging.{s}_stream as
select
    cast({epoch} as integer) as epoch,
    cast(kafka_partition as integer) as kafka_partition,
    kafka_offset,
    kafka_timestamp,
    refresh_time,
    octet_length(kafka_value) as value_bytes,
    skipped as reason,
    cast(null as varchar(300)) as detail,
    record
from staging.{s}_stream_v{version}
with no schema binding;
