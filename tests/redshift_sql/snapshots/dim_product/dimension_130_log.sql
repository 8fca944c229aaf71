-- The change log takes the new changes; a re-emission at earlier Kafka coordinates takes the place of its later copy.

drop table if exists dim_product_extended;

-- grain: one row per key that goes on from its tip
create temp table dim_product_extended as
select distinct i.product_id
from dim_product_incoming as i
left join dim_product_recomputed as r on i.product_id = r.product_id
where r.product_id is null;

drop table if exists dim_product_merged;

-- grain: one row per copy of a change of a key to compute again; copy 1 is the change
create temp table dim_product_merged as
with known as (
    select
        l.product_id,
        l.change_identity,
        l.change_op,
        l.epoch,
        l.position,
        l.kafka_partition,
        l.kafka_offset,
        l.changed_at,
        l.unavailable,
        l.old_product_id,
        l.change_sk,
        l.origin_sk,
        l.sku,
        l.product_name,
        l.description,
        l.brand,
        l.list_price,
        l.weight_kg,
        l.active,
        l.launched_on,
        l.category,
        l.subcategory,
        0 as _is_new
    from staging.dim_product_log as l
    inner join dim_product_recomputed as r on l.product_id = r.product_id
),

arrived as (
    select
        i.product_id,
        i.change_identity,
        i.change_op,
        i.epoch,
        i.position,
        i.kafka_partition,
        i.kafka_offset,
        i.changed_at,
        i.unavailable,
        i.old_product_id,
        i.change_sk,
        i.origin_sk,
        i.sku,
        i.product_name,
        i.description,
        i.brand,
        i.list_price,
        i.weight_kg,
        i.active,
        i.launched_on,
        i.category,
        i.subcategory,
        1 as _is_new
    from dim_product_incoming as i
    inner join dim_product_recomputed as r on i.product_id = r.product_id
),

again as (
    select k.change_identity
    from known as k
    inner join arrived as a on k.change_identity = a.change_identity
),

copies as (
    select
        known.*,
        case when again.change_identity is null then 0 else 1 end as _is_again
    from known
    left join again on known.change_identity = again.change_identity
    union all
    select
        arrived.*,
        case when again.change_identity is null then 0 else 1 end as _is_again
    from arrived
    left join again on arrived.change_identity = again.change_identity
)

select
    product_id,
    change_identity,
    change_op,
    epoch,
    position,
    kafka_partition,
    kafka_offset,
    changed_at,
    unavailable,
    old_product_id,
    change_sk,
    origin_sk,
    sku,
    product_name,
    description,
    brand,
    list_price,
    weight_kg,
    active,
    launched_on,
    category,
    subcategory,
    _is_new,
    1 as _copy
from copies
where _is_again = 0
union all
select
    product_id,
    change_identity,
    change_op,
    epoch,
    position,
    kafka_partition,
    kafka_offset,
    changed_at,
    unavailable,
    old_product_id,
    change_sk,
    origin_sk,
    sku,
    product_name,
    description,
    brand,
    list_price,
    weight_kg,
    active,
    launched_on,
    category,
    subcategory,
    _is_new,
    row_number() over (partition by change_identity order by kafka_partition, kafka_offset, _is_new) as _copy
from copies
where _is_again = 1;

drop table if exists dim_product_superseded;

-- grain: one row per logged change that an earlier emission replaces
create temp table dim_product_superseded as
select product_id, change_identity
from dim_product_merged
where _is_new = 0 and _copy > 1;

delete from staging.dim_product_log
using dim_product_superseded
where dim_product_log.product_id = dim_product_superseded.product_id
    and dim_product_log.change_identity = dim_product_superseded.change_identity;

insert into staging.dim_product_log (
    product_id,
    change_identity,
    change_op,
    epoch,
    position,
    kafka_partition,
    kafka_offset,
    changed_at,
    unavailable,
    old_product_id,
    change_sk,
    origin_sk,
    sku,
    product_name,
    description,
    brand,
    list_price,
    weight_kg,
    active,
    launched_on,
    category,
    subcategory
)
select
    product_id,
    change_identity,
    change_op,
    epoch,
    position,
    kafka_partition,
    kafka_offset,
    changed_at,
    unavailable,
    old_product_id,
    change_sk,
    origin_sk,
    sku,
    product_name,
    description,
    brand,
    list_price,
    weight_kg,
    active,
    launched_on,
    category,
    subcategory
from dim_product_merged
where _is_new = 1 and _copy = 1
union all
select
    i.product_id,
    i.change_identity,
    i.change_op,
    i.epoch,
    i.position,
    i.kafka_partition,
    i.kafka_offset,
    i.changed_at,
    i.unavailable,
    i.old_product_id,
    i.change_sk,
    i.origin_sk,
    i.sku,
    i.product_name,
    i.description,
    i.brand,
    i.list_price,
    i.weight_kg,
    i.active,
    i.launched_on,
    i.category,
    i.subcategory
from dim_product_incoming as i
inner join dim_product_extended as e on i.product_id = e.product_id;
