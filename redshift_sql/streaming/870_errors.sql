-- All that the streaming path does not show: records that give no change, and those that Redshift itself did not take.
-- grain: one row per such record
create view staging.stream_errors as
select
    source,
    cast(kafka_partition as varchar(128)) as kafka_partition,
    cast(kafka_offset as varchar(128)) as kafka_offset,
    kafka_timestamp,
    value_bytes,
    reason,
    detail
from staging.stream_rejected
union all
select
    trim(mv_name) as source,
    trim(partition_id) as kafka_partition,
    trim(position) as kafka_offset,
    stream_timestamp as kafka_timestamp,
    cast(null as integer) as value_bytes,
    'redshift:' || cast(error_code as varchar(20)) as reason,
    trim(error_reason) as detail
from sys_stream_scan_errors
where trim(external_schema_name) = '{topics}'
with no schema binding;
