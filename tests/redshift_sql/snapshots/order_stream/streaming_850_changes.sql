-- The records of topic retail.order.cdc as changes of order, in the contract's types. `reason` says why a record gives none.
-- `is_new` is 1 for a record that no load has.
-- grain: one row per record of the topic
create view staging.order_stream as
with records as (
    select
        kafka_partition,
        kafka_offset,
        kafka_timestamp,
        refresh_time,
        skipped,
        octet_length(kafka_value) as value_bytes,
        case when can_json_parse(decoded) then json_parse(decoded) end as record
    from staging.order_stream_v1
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
            when cast(r.record.contract as varchar(12)) <> 'd8f9f1ad7e4c' then 'other_contract'
        end as reason
    from records as r
),

covered as (
    select kafka_partition, epoch, next_offset
    from staging.load_offsets
    where source = 'order'
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
    cast(cast(case when j.reason is null then j.record.image.customer_id end as varchar(65535)) as bigint) as customer_id,
    cast(cast(case when j.reason is null then j.record.image.status end as varchar(65535)) as varchar(32)) as status,
    cast(cast(case when j.reason is null then j.record.image.ordered_at end as varchar(65535)) as timestamp) as ordered_at,
    cast(cast(case when j.reason is null then j.record.image.shipped_at end as varchar(65535)) as timestamp) as shipped_at,
    cast(cast(case when j.reason is null then j.record.image.channel end as varchar(65535)) as varchar(32)) as channel,
    cast(cast(case when j.reason is null then j.record.image.currency end as varchar(65535)) as varchar(3)) as currency,
    cast(cast(case when j.reason is null then j.record.image.shipping_fee end as varchar(65535)) as decimal(10,2)) as shipping_fee,
    cast(cast(case when j.reason is null then j.record.image.note end as varchar(65535)) as varchar(65535)) as note,
    cast(cast(case when j.reason is null then j.record.image.updated_at end as varchar(65535)) as timestamp) as updated_at
from judged as j
cross join reached
left join covered as c on j.kafka_partition = c.kafka_partition
with no schema binding;
