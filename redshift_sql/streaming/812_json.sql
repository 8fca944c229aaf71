-- Topic {topic}, JSON: the records as they are, parsed where they can be.
-- grain: one row per record of the topic
create materialized view staging.{s}_stream_v{version}
diststyle even
sortkey (kafka_partition, kafka_offset)
auto refresh yes
as
select
    kafka_partition,
    kafka_offset,
    kafka_timestamp_type,
    kafka_timestamp,
    kafka_key,
    kafka_value,
    kafka_headers,
    refresh_time,
    case
        when kafka_value is not null and can_json_parse(kafka_value) = false then 'no_json'
    end as skipped,
    case when can_json_parse(kafka_value) then json_parse(kafka_value) end as record
from {topics}."{topic}";
