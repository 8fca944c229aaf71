-- The records of topic retail.order_item.cdc as changes of order_item, in the contract's types. `reason` says why a record gives none.
-- `is_new` is 1 for a record that no load has.
-- grain: one row per record of the topic
create view staging.order_item_stream as
with records as (
    select
        kafka_partition,
        kafka_offset,
        kafka_timestamp,
        refresh_time,
        skipped,
        octet_length(kafka_value) as value_bytes,
        case when can_json_parse(decoded) then json_parse(decoded) end as record
    from staging.order_item_stream_v1
),

judged as (
    select
        r.kafka_partition,
        r.kafka_offset,
        r.kafka_timestamp,
        r.refresh_time,
        r.value_bytes,
        r.record,
        case
            when r.skipped is not null then r.skipped
            when r.record is null then 'not_decoded'
            when r.record.fault.reason is not null then cast(r.record.fault.reason as varchar(64))
            when cast(r.record.contract as varchar(12)) <> '7183c1a50115' then 'other_contract'
        end as reason
    from records as r
),

covered as (
    select kafka_partition, epoch, next_offset
    from staging.load_offsets
    where source = 'order_item'
),

reached as (
    select coalesce(max(epoch), -1) as epoch
    from covered
)

select
    cast(0 as integer) as epoch,
    cast(j.kafka_partition as integer) as kafka_partition,
    j.kafka_offset,
    j.kafka_timestamp,
    j.refresh_time,
    j.value_bytes,
    j.reason,
    case when j.reason is not null then cast(j.record.fault.detail as varchar(300)) end as detail,
    cast(j.record.op as varchar(1)) as change_op,
    cast(j.record.position as varchar(64)) as position,
    cast(j.record.identity as varchar(32)) as change_identity,
    cast(cast(j.record.source_ts as varchar(32)) as timestamp) as source_ts,
    cast(j.record.schema_id as varchar(64)) as schema_id,
    coalesce(cast(j.record.unavailable as varchar(4096)), '') as unavailable,
    case
        when reached.epoch > 0 then 0
        when reached.epoch < 0 then 1
        when j.kafka_offset < c.next_offset then 0
        else 1
    end as is_new,
    cast(cast(case when j.reason is null then j.record.image.order_id end as varchar(65535)) as bigint) as order_id,
    cast(cast(case when j.reason is null then j.record.image.line_no end as varchar(65535)) as integer) as line_no,
    cast(cast(case when j.reason is null then j.record.image.product_id end as varchar(65535)) as bigint) as product_id,
    cast(cast(case when j.reason is null then j.record.image.quantity end as varchar(65535)) as integer) as quantity,
    cast(cast(case when j.reason is null then j.record.image.unit_price end as varchar(65535)) as decimal(12,2)) as unit_price,
    cast(cast(case when j.reason is null then j.record.image.discount end as varchar(65535)) as decimal(12,2)) as discount,
    cast(cast(case when j.reason is null then j.record.image.tax_rate end as varchar(65535)) as decimal(5,4)) as tax_rate,
    cast(cast(case when j.reason is null then j.record.image.updated_at end as varchar(65535)) as timestamp) as updated_at
from judged as j
cross join reached
left join covered as c on j.kafka_partition = c.kafka_partition
with no schema binding;
