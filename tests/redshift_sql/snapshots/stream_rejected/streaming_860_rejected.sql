-- Records of the stream that give no change, with their place in Kafka; the raw bytes stand in the table's newest
-- staging.<source>_stream_v<version>.
-- grain: one row per such record
create view staging.stream_rejected as
select
    cast('customer' as varchar(127)) as source,
    kafka_partition,
    kafka_offset,
    kafka_timestamp,
    value_bytes,
    reason,
    detail
from staging.customer_stream
where reason is not null
union all
select
    cast('order' as varchar(127)) as source,
    kafka_partition,
    kafka_offset,
    kafka_timestamp,
    value_bytes,
    reason,
    detail
from staging.order_stream
where reason is not null
union all
select
    cast('order_item' as varchar(127)) as source,
    kafka_partition,
    kafka_offset,
    kafka_timestamp,
    value_bytes,
    reason,
    detail
from staging.order_item_stream
where reason is not null
union all
select
    cast('product' as varchar(127)) as source,
    kafka_partition,
    kafka_offset,
    kafka_timestamp,
    value_bytes,
    reason,
    detail
from staging.product_stream
where reason is not null
with no schema binding;
