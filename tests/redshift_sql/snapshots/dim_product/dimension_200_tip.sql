-- The tip of each touched key: how far its log is known, and the state that the next change follows.

drop table if exists dim_product_new_tip;

-- grain: one row per touched key
create temp table dim_product_new_tip as
with own as (
    select
        c.*,
        max(epoch) over (partition by product_id) as _last_epoch
    from dim_product_changes as c
    where change_op <> 't'
),

coordinates as (
    select
        product_id,
        _last_epoch,
        max(coalesce(position, '')) as _last_position,
        case when min(kafka_partition) = max(kafka_partition) then max(kafka_partition) else -1 end as _last_partition,
        max(kafka_offset) as _last_offset,
        max(origin_sk) as _origin_sk
    from own
    where epoch = _last_epoch
    group by product_id, _last_epoch
),

clocks as (
    select product_id, max(_at) as _last_at
    from dim_product_steps
    group by product_id
),

open_versions as (
    select
        product_id,
        case when is_deleted = true then 'deleted' else 'live' end as _state,
        _sk,
        effective_from,
        version_identity
    from dim_product_opened
    where effective_to is null
)

select
    c.product_id,
    c._last_epoch,
    c._last_position,
    c._last_partition,
    c._last_offset,
    k._last_at,
    coalesce(o._state, 'none') as _state,
    o._sk as _open_sk,
    o.effective_from as _open_from,
    o.version_identity as _open_identity,
    c._origin_sk,
    l._unknown,
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
from coordinates as c
left join clocks as k on c.product_id = k.product_id
left join open_versions as o on c.product_id = o.product_id
left join dim_product_latest as l on c.product_id = l.product_id;

delete from staging.dim_product_tip
using dim_product_new_tip as n
where dim_product_tip.product_id = n.product_id;

insert into staging.dim_product_tip (
    product_id,
    _last_epoch,
    _last_position,
    _last_partition,
    _last_offset,
    _last_at,
    _state,
    _open_sk,
    _open_from,
    _open_identity,
    _origin_sk,
    _unknown,
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
    _last_epoch,
    _last_position,
    _last_partition,
    _last_offset,
    _last_at,
    _state,
    _open_sk,
    _open_from,
    _open_identity,
    _origin_sk,
    _unknown,
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
from dim_product_new_tip;
