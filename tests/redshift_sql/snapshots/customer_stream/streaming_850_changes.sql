-- The records of topic retail.customer.cdc as changes of customer, in the contract's types. `reason` says why a record gives none.
-- `is_new` is 1 for a record that no load has.
-- grain: one row per record of the topic
create view staging.customer_stream as
with records as (
    select
        kafka_partition,
        kafka_offset,
        kafka_timestamp,
        refresh_time,
        skipped,
        octet_length(kafka_value) as value_bytes,
        case when can_json_parse(decoded) then json_parse(decoded) end as record
    from staging.customer_stream_v1
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
            when cast(r.record.contract as varchar(12)) <> 'db33ac6106c1' then 'other_contract'
        end as reason
    from records as r
),

covered as (
    select kafka_partition, epoch, next_offset
    from staging.load_offsets
    where source = 'customer'
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
    cast(cast(case when j.reason is null then j.record.image.customer_id end as varchar(65535)) as bigint) as customer_id,
    cast(cast(case when j.reason is null then j.record.image.customer_uuid end as varchar(65535)) as varchar(36)) as customer_uuid,
    cast(cast(case when j.reason is null then j.record.image.full_name end as varchar(65535)) as varchar(400)) as full_name,
    cast(cast(case when j.reason is null then j.record.image.email end as varchar(65535)) as varchar(320)) as email,
    cast(cast(case when j.reason is null then j.record.image.phone end as varchar(65535)) as varchar(64)) as phone,
    cast(cast(case when j.reason is null then j.record.image.address_line end as varchar(65535)) as varchar(400)) as address_line,
    cast(cast(case when j.reason is null then j.record.image.city end as varchar(65535)) as varchar(200)) as city,
    cast(cast(case when j.reason is null then j.record.image.postal_code end as varchar(65535)) as varchar(32)) as postal_code,
    cast(cast(case when j.reason is null then j.record.image.country end as varchar(65535)) as varchar(2)) as country,
    cast(cast(case when j.reason is null then j.record.image.birth_date end as varchar(65535)) as date) as birth_date,
    cast(cast(case when j.reason is null then j.record.image.gender end as varchar(65535)) as varchar(32)) as gender,
    cast(cast(case when j.reason is null then j.record.image.segment end as varchar(65535)) as varchar(32)) as segment,
    cast(cast(case when j.reason is null then j.record.image.marital_status end as varchar(65535)) as varchar(32)) as marital_status,
    cast(cast(case when j.reason is null then j.record.image.income_band end as varchar(65535)) as varchar(32)) as income_band,
    cast(cast(case when j.reason is null then j.record.image.preferences end as varchar(65535)) as varchar(65535)) as preferences,
    cast(cast(case when j.reason is null then j.record.image.created_at end as varchar(65535)) as timestamp) as created_at,
    cast(cast(case when j.reason is null then j.record.image.updated_at end as varchar(65535)) as timestamp) as updated_at,
    case cast(case when j.reason is null then j.record.image.marketing_opt_in end as varchar(5)) when 'true' then true when 'false' then false end as marketing_opt_in
from judged as j
cross join reached
left join covered as c on j.kafka_partition = c.kafka_partition
with no schema binding;
