-- The changes of this load, each once: the log keeps a change at its earliest Kafka coordinates.

drop table if exists dim_product_incoming;

-- grain: one row per change of this load (truncates apart)
create temp table dim_product_incoming as
with repeated as (
    select change_identity
    from staging.dim_product_load
    where change_op <> 't'
    group by change_identity
    having count(*) > 1
),

copies as (
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
        row_number() over (partition by l.change_identity order by l.kafka_partition, l.kafka_offset) as _copy
    from staging.dim_product_load as l
    inner join repeated as r on l.change_identity = r.change_identity
)

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
    l.subcategory
from staging.dim_product_load as l
left join repeated as r on l.change_identity = r.change_identity
where l.change_op <> 't' and r.change_identity is null
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
    subcategory
from copies
where _copy = 1;

drop table if exists dim_product_new_truncates;

-- grain: one row per truncate that the log does not hold, or holds at later Kafka coordinates
create temp table dim_product_new_truncates as
with loaded as (
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
        row_number() over (partition by change_identity order by kafka_partition, kafka_offset) as _copy
    from staging.dim_product_load
    where change_op = 't'
)

select
    loaded.product_id,
    loaded.change_identity,
    loaded.change_op,
    loaded.epoch,
    loaded.position,
    loaded.kafka_partition,
    loaded.kafka_offset,
    loaded.changed_at,
    loaded.unavailable,
    loaded.old_product_id,
    loaded.change_sk,
    loaded.origin_sk,
    loaded.sku,
    loaded.product_name,
    loaded.description,
    loaded.brand,
    loaded.list_price,
    loaded.weight_kg,
    loaded.active,
    loaded.launched_on,
    loaded.category,
    loaded.subcategory
from loaded
left join staging.dim_product_truncate as known on loaded.change_identity = known.change_identity
where loaded._copy = 1
    and (
        known.change_identity is null
        or loaded.kafka_partition < known.kafka_partition
        or (loaded.kafka_partition = known.kafka_partition and loaded.kafka_offset < known.kafka_offset)
    );

delete from staging.dim_product_truncate
using dim_product_new_truncates
where dim_product_truncate.change_identity = dim_product_new_truncates.change_identity;

insert into staging.dim_product_truncate (
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
from dim_product_new_truncates;
