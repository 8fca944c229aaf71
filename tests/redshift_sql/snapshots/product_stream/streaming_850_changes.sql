-- The records of topic retail.product.cdc as changes of product, in the contract's types. `reason` says why a record gives none.
-- `is_new` is 1 for a record that no load has.
-- grain: one row per record of the topic
create view staging.product_stream as
with records as (
    select
        kafka_partition,
        kafka_offset,
        kafka_timestamp,
        refresh_time,
        skipped,
        octet_length(kafka_value) as value_bytes,
        case when can_json_parse(decoded) then json_parse(decoded) end as record
    from staging.product_stream_v1
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
            when cast(r.record.contract as varchar(12)) <> 'b103f395b776' then 'other_contract'
        end as reason
    from records as r
),

covered as (
    select kafka_partition, epoch, next_offset
    from staging.load_offsets
    where source = 'product'
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
    cast(cast(case when j.reason is null then j.record.image.product_id end as varchar(65535)) as bigint) as product_id,
    cast(cast(case when j.reason is null then j.record.image.sku end as varchar(65535)) as varchar(64)) as sku,
    cast(cast(case when j.reason is null then j.record.image.name end as varchar(65535)) as varchar(400)) as name,
    cast(cast(case when j.reason is null then j.record.image.description end as varchar(65535)) as varchar(65535)) as description,
    cast(cast(case when j.reason is null then j.record.image.category end as varchar(65535)) as varchar(100)) as category,
    cast(cast(case when j.reason is null then j.record.image.subcategory end as varchar(65535)) as varchar(100)) as subcategory,
    cast(cast(case when j.reason is null then j.record.image.brand end as varchar(65535)) as varchar(100)) as brand,
    cast(cast(case when j.reason is null then j.record.image.list_price end as varchar(65535)) as decimal(12,2)) as list_price,
    cast(cast(case when j.reason is null then j.record.image.weight_kg end as varchar(65535)) as decimal(10,3)) as weight_kg,
    cast(cast(case when j.reason is null then j.record.image.attributes end as varchar(65535)) as varchar(65535)) as attributes,
    cast(cast(case when j.reason is null then j.record.image.launched_on end as varchar(65535)) as date) as launched_on,
    cast(cast(case when j.reason is null then j.record.image.updated_at end as varchar(65535)) as timestamp) as updated_at,
    case cast(case when j.reason is null then j.record.image.active end as varchar(5)) when 'true' then true when 'false' then false end as active
from judged as j
cross join reached
left join covered as c on j.kafka_partition = c.kafka_partition
with no schema binding;
