-- Topic retail.order.cdc, Avro: the records as they are, and what the function makes of each. A record that is longer than the
-- function's arguments may be is skipped with its reason.
-- grain: one row per record of the topic
create materialized view staging.order_stream_v1
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
        when octet_length(kafka_value) > 48000 then 'value_too_long'
        when octet_length(kafka_key) > 48000 then 'key_too_long'
    end as skipped,
    staging.f_decode_change(
        'order',
        case when octet_length(kafka_key) <= 48000 then from_varbyte(kafka_key, 'base64') end,
        case when octet_length(kafka_value) <= 48000 then from_varbyte(kafka_value, 'base64') end
    ) as decoded
from msk."retail.order.cdc";

-- Topic retail.order.cdc, Avro: the records as they are, and what the function makes of each. A record that is longer than the
-- function's arguments may be is skipped with its reason.
-- grain: one row per record of the topic
create materialized view staging.order_stream_v2
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
        when octet_length(kafka_value) > 48000 then 'value_too_long'
        when octet_length(kafka_key) > 48000 then 'key_too_long'
    end as skipped,
    staging.f_decode_change(
        'order',
        case when octet_length(kafka_key) <= 48000 then from_varbyte(kafka_key, 'base64') end,
        case when octet_length(kafka_value) <= 48000 then from_varbyte(kafka_value, 'base64') end
    ) as decoded
from msk."retail.order.cdc";
