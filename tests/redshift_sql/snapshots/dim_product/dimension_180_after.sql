-- The touched keys' rows before and after.

drop table if exists dim_product_before;

-- grain: one row per version of a touched key, as it was
create temp table dim_product_before as
with touched as (
    select product_id from dim_product_extended
    union all
    select product_id from dim_product_recomputed
)

select
    v.product_sk,
    v.product_id,
    v.sku,
    v.product_name,
    v.description,
    v.brand,
    v.list_price,
    v.weight_kg,
    v.active,
    v.launched_on,
    v.category,
    v.subcategory,
    v.effective_from,
    v.effective_to,
    v.is_current,
    v.is_deleted,
    v.is_inferred,
    v.is_incomplete,
    v.version_identity
from analytics.dim_product as v
inner join touched as t on v.product_id = t.product_id;

drop table if exists dim_product_after;

-- grain: one row per version of a touched key, as it must be
create temp table dim_product_after as
-- A key that goes on from its tip keeps its versions; the open one may end or become complete, and type-1 attributes,
-- none of which is unknown, show the latest value.
with carried as (
    select
        b.product_sk,
        b.product_id,
        l.sku,
        l.product_name,
        l.description,
        l.brand,
        l.list_price,
        l.weight_kg,
        l.active,
        l.launched_on,
        b.category,
        b.subcategory,
        b.effective_from,
        case when o._sk is null then b.effective_to else o.effective_to end as effective_to,
        case when o._sk is null then b.is_current when o.effective_to is null then true else false end as is_current,
        b.is_deleted,
        b.is_inferred,
        case
            when o._sk is null or o.is_deleted = true then b.is_incomplete
            when
                1 = 0
                or strpos(o._unknown, ',category,') > 0
                or strpos(o._unknown, ',subcategory,') > 0
                then true
            else false
        end as is_incomplete,
        b.version_identity
    from dim_product_before as b
    inner join dim_product_extended as e on b.product_id = e.product_id
    inner join dim_product_latest as l on b.product_id = l.product_id
    left join dim_product_opened as o on b.product_sk = o._sk and b.product_id = o.product_id and o._is_seed = 1
    where b.is_inferred = false
),

fresh as (
    select
        o._sk as product_sk,
        o.product_id,
        l.sku,
        l.product_name,
        l.description,
        l.brand,
        l.list_price,
        l.weight_kg,
        l.active,
        l.launched_on,
        o.category,
        o.subcategory,
        o.effective_from,
        o.effective_to,
        case when o.effective_to is null then true else false end as is_current,
        o.is_deleted,
        false as is_inferred,
        case
            when
                1 = 0
                or strpos(l._unknown, ',sku,') > 0
                or strpos(l._unknown, ',product_name,') > 0
                or strpos(l._unknown, ',description,') > 0
                or strpos(l._unknown, ',brand,') > 0
                or strpos(l._unknown, ',list_price,') > 0
                or strpos(l._unknown, ',weight_kg,') > 0
                or strpos(l._unknown, ',active,') > 0
                or strpos(l._unknown, ',launched_on,') > 0
                or strpos(o._unknown, ',category,') > 0
                or strpos(o._unknown, ',subcategory,') > 0
                then true
            else false
        end as is_incomplete,
        o.version_identity
    from dim_product_opened as o
    inner join dim_product_latest as l on o.product_id = l.product_id
    where o._is_seed = 0
),

versions as (
    select * from carried
    union all
    select * from fresh
)

select
    product_sk,
    product_id,
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
    effective_from,
    effective_to,
    is_current,
    is_deleted,
    is_inferred,
    is_incomplete,
    version_identity
from versions
union all
-- An inferred member stays while its key has no version.
select
    b.product_sk,
    b.product_id,
    b.sku,
    b.product_name,
    b.description,
    b.brand,
    b.list_price,
    b.weight_kg,
    b.active,
    b.launched_on,
    b.category,
    b.subcategory,
    b.effective_from,
    b.effective_to,
    b.is_current,
    b.is_deleted,
    b.is_inferred,
    b.is_incomplete,
    b.version_identity
from dim_product_before as b
left join versions as v on b.product_id = v.product_id
where b.is_inferred = true and v.product_id is null;
