-- Every change that the touched keys' history is computed from, in order: the whole log of a key to compute again (the
-- table's truncates among it), or the tip's state as a seed with the changes after it. Values stand apart from the order.
-- What a change does not have is unknown until it is filled; a tip whose key was never there knows nothing (NULL).

drop table if exists dim_product_images;

-- grain: one row per touched key and change: its values
create temp table dim_product_images as
select
    tip.product_id,
    coalesce(tip._open_identity, 'seed') as change_identity,
    tip._unknown,
    tip.sku,
    tip.product_name,
    tip.description,
    tip.brand,
    tip.list_price,
    tip.weight_kg,
    tip.active,
    tip.launched_on,
    tip.category,
    tip.subcategory
from staging.dim_product_tip as tip
inner join dim_product_extended as e on tip.product_id = e.product_id
union all
select
    i.product_id,
    i.change_identity,
    i.unavailable as _unknown,
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
inner join dim_product_extended as e on i.product_id = e.product_id
union all
select
    m.product_id,
    m.change_identity,
    m.unavailable as _unknown,
    m.sku,
    m.product_name,
    m.description,
    m.brand,
    m.list_price,
    m.weight_kg,
    m.active,
    m.launched_on,
    m.category,
    m.subcategory
from dim_product_merged as m
where m._copy = 1;

drop table if exists dim_product_changes;

-- grain: one row per touched key and change; _n counts a key's changes in order
create temp table dim_product_changes as
with seeds as (
    select
        tip.product_id,
        1 as _is_seed,
        coalesce(tip._open_identity, 'seed') as change_identity,
        case when tip._state = 'live' then 'u' else 'd' end as change_op,
        tip._last_epoch as epoch,
        tip._last_position as position,
        tip._last_partition as kafka_partition,
        tip._last_offset as kafka_offset,
        tip._last_at as changed_at,
        tip._unknown as unavailable,
        tip.product_id as old_product_id,
        tip._open_sk as change_sk,
        tip._origin_sk as origin_sk,
        tip._state as _seed_state,
        tip._open_from as _seed_from
    from staging.dim_product_tip as tip
    inner join dim_product_extended as e on tip.product_id = e.product_id
),

own as (
    select
        i.product_id, 0 as _is_seed, i.change_identity, i.change_op, i.epoch, i.position, i.kafka_partition,
        i.kafka_offset, i.changed_at, i.unavailable, i.old_product_id, i.change_sk, i.origin_sk,
        '' as _seed_state, i.changed_at as _seed_from
    from dim_product_incoming as i
    inner join dim_product_extended as e on i.product_id = e.product_id
    union all
    select
        m.product_id, 0 as _is_seed, m.change_identity, m.change_op, m.epoch, m.position, m.kafka_partition,
        m.kafka_offset, m.changed_at, m.unavailable, m.old_product_id, m.change_sk, m.origin_sk,
        '' as _seed_state, m.changed_at as _seed_from
    from dim_product_merged as m
    where m._copy = 1
),

truncates as (
    select
        r.product_id, 0 as _is_seed, t.change_identity, t.change_op, t.epoch, t.position, t.kafka_partition,
        t.kafka_offset, t.changed_at, t.unavailable, t.old_product_id, t.change_sk, t.origin_sk,
        '' as _seed_state, t.changed_at as _seed_from
    from dim_product_recomputed as r
    cross join staging.dim_product_truncate as t
),

together as (
    select * from seeds
    union all
    select * from own
    union all
    select * from truncates
),

-- A snapshot row has no position: it takes the highest one at lower offsets of its partition.
anchored as (
    select
        together.*,
        case
            when change_op <> 'r' then position
            else coalesce(
                max(case when change_op <> 'r' then position end) over (
                    partition by product_id, epoch, kafka_partition
                    order by kafka_offset
                    rows between unbounded preceding and 1 preceding
                ),
                ''
            )
        end as _position,
        case
            when _is_seed = 1 then 0
            when change_op = 'd' and 'close' = 'ignore' then 1
            when change_op = 't' and 'close' = 'ignore' then 1
            else 0
        end as _is_ignored
    from together
)

select
    anchored.*,
    lpad(cast(epoch as varchar), 10, '0') || ' ' || _position || ' ' || lpad(cast(kafka_partition as varchar), 10, '0')
    || ' ' || lpad(cast(kafka_offset as varchar), 20, '0') as _place,
    row_number() over (
        partition by product_id, _is_ignored
        order by _is_seed desc, epoch, _position, kafka_partition, kafka_offset
    ) as _n
from anchored;
