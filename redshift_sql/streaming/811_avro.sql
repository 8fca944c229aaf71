-- Topic {topic}, Avro: the records as they are, and what the function makes of each. A record that is longer than the
-- function's arguments may be is skipped with its reason.
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
        when octet_length(kafka_value) > {record_bytes} then 'value_too_long'
        when octet_length(kafka_key) > {record_bytes} then 'key_too_long'
    end as skipped,
    staging.f_decode_change(
        '{s}',
        case when octet_length(kafka_key) <= {record_bytes} then from_varbyte(kafka_key, 'base64') end,
        case when octet_length(kafka_value) <= {record_bytes} then from_varbyte(kafka_value, 'base64') end
    ) as decoded
from {topics}."{topic}";
