-- The changes that count, each at its instant: idle snapshot rows and truncates of a dead key are out, clocks are clamped.

drop table if exists dim_product_idle;

-- grain: one row per snapshot row that repeats the live state before it and knows no more
create temp table dim_product_idle as
select c.product_id, c._n
from dim_product_changes as c
inner join dim_product_changes as p on c.product_id = p.product_id and c._n = p._n + 1
inner join dim_product_images as now on c.product_id = now.product_id and c.change_identity = now.change_identity
inner join dim_product_images as was on p.product_id = was.product_id and p.change_identity = was.change_identity
where c.change_op = 'r'
    and c._is_ignored = 0
    and p._is_ignored = 0
    and p.change_op in ('c', 'u', 'r')
    and now._unknown = was._unknown
    and case when now.sku = was.sku or (now.sku is null and was.sku is null) then 0 else 1 end = 0
    and case when now.product_name = was.product_name or (now.product_name is null and was.product_name is null) then 0 else 1 end = 0
    and case when now.description = was.description or (now.description is null and was.description is null) then 0 else 1 end = 0
    and case when now.brand = was.brand or (now.brand is null and was.brand is null) then 0 else 1 end = 0
    and case when now.list_price = was.list_price or (now.list_price is null and was.list_price is null) then 0 else 1 end = 0
    and case when now.weight_kg = was.weight_kg or (now.weight_kg is null and was.weight_kg is null) then 0 else 1 end = 0
    and case when now.active = was.active or (now.active is null and was.active is null) then 0 else 1 end = 0
    and case when now.launched_on = was.launched_on or (now.launched_on is null and was.launched_on is null) then 0 else 1 end = 0
    and case when now.category = was.category or (now.category is null and was.category is null) then 0 else 1 end = 0
    and case when now.subcategory = was.subcategory or (now.subcategory is null and was.subcategory is null) then 0 else 1 end = 0;

drop table if exists dim_product_steps;

-- grain: one row per touched key and change that counts
create temp table dim_product_steps as
with changes as (
    select
        c.*,
        case when c.change_op in ('c', 'u', 'r') then 1 else 0 end as _is_upsert,
        lag(c.change_op) over (partition by c.product_id order by c._n) as _previous_op
    from dim_product_changes as c
    where c._is_ignored = 0
),

counting as (
    select
        c.*,
        row_number() over (partition by c.product_id order by c._n) as _step
    from changes as c
    left join dim_product_idle as i on c.product_id = i.product_id and c._n = i._n
    where i._n is null
        and not (c.change_op = 't' and coalesce(c._previous_op, 't') in ('d', 't'))
),

-- A key's first change, when it is a snapshot row, was true from the beginning of time.
instants as (
    select
        counting.*,
        max(
            case
                when _step = 1 and change_op = 'r' and 'origin' = 'origin' then timestamp '1900-01-01 00:00:00'
                when changed_at < timestamp '1900-01-01 00:00:00' then timestamp '1900-01-01 00:00:00'
                else changed_at
            end
        ) over (partition by product_id order by _n rows unbounded preceding) as _at,
        max(case when _is_upsert = 1 or _is_seed = 1 then _n end) over (
            partition by product_id order by _n rows unbounded preceding
        ) as _known_n
    from counting
)

-- Changes at one instant are one: the last in order stands.
select
    product_id,
    _n,
    _is_seed,
    _is_upsert,
    change_op,
    change_identity,
    change_sk,
    origin_sk,
    _seed_state,
    _seed_from,
    _at,
    _known_n,
    case when lead(_at) over (partition by product_id order by _n) = _at then 0 else 1 end as _stands
from instants;

drop table if exists dim_product_latest;

-- grain: one row per touched key that was ever there: the values of its last upsert
create temp table dim_product_latest as
with last_known as (
    select product_id, max(_n) as _n
    from dim_product_steps
    where _is_upsert = 1 or _is_seed = 1
    group by product_id
)

select i.product_id, i._unknown,
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
from last_known as k
inner join dim_product_steps as s on k.product_id = s.product_id and k._n = s._n
inner join dim_product_images as i on s.product_id = i.product_id and s.change_identity = i.change_identity;
