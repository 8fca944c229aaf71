-- The touched keys' rows before and after.

drop table if exists dim_customer_before;

-- grain: one row per version of a touched key, as it was
create temp table dim_customer_before as
with touched as (
    select customer_id from dim_customer_extended
    union all
    select customer_id from dim_customer_recomputed
)

select
    v.customer_sk,
    v.customer_id,
    v.full_name,
    v.email,
    v.phone,
    v.address_line,
    v.city,
    v.postal_code,
    v.country,
    v.birth_date,
    v.marketing_opt_in,
    v.gender,
    v.segment,
    v.marital_status,
    v.income_band,
    v.effective_from,
    v.effective_to,
    v.is_current,
    v.is_deleted,
    v.is_inferred,
    v.is_incomplete,
    v.version_identity
from analytics.dim_customer as v
inner join touched as t on v.customer_id = t.customer_id;

drop table if exists dim_customer_after;

-- grain: one row per version of a touched key, as it must be
create temp table dim_customer_after as
-- A key that goes on from its tip keeps its versions; the open one may end or become complete, and type-1 attributes,
-- none of which is unknown, show the latest value.
with carried as (
    select
        b.customer_sk,
        b.customer_id,
        l.full_name,
        l.email,
        l.phone,
        l.address_line,
        l.city,
        l.postal_code,
        l.country,
        l.birth_date,
        l.marketing_opt_in,
        b.gender,
        b.segment,
        b.marital_status,
        b.income_band,
        b.effective_from,
        case when o._sk is null then b.effective_to else o.effective_to end as effective_to,
        case when o._sk is null then b.is_current when o.effective_to is null then true else false end as is_current,
        b.is_deleted,
        b.is_inferred,
        case
            when o._sk is null or o.is_deleted = true then b.is_incomplete
            when
                1 = 0
                or strpos(o._unknown, ',gender,') > 0
                or strpos(o._unknown, ',segment,') > 0
                or strpos(o._unknown, ',marital_status,') > 0
                or strpos(o._unknown, ',income_band,') > 0
                then true
            else false
        end as is_incomplete,
        b.version_identity
    from dim_customer_before as b
    inner join dim_customer_extended as e on b.customer_id = e.customer_id
    inner join dim_customer_latest as l on b.customer_id = l.customer_id
    left join dim_customer_opened as o on b.customer_sk = o._sk and b.customer_id = o.customer_id and o._is_seed = 1
    where b.is_inferred = false
),

fresh as (
    select
        o._sk as customer_sk,
        o.customer_id,
        l.full_name,
        l.email,
        l.phone,
        l.address_line,
        l.city,
        l.postal_code,
        l.country,
        l.birth_date,
        l.marketing_opt_in,
        o.gender,
        o.segment,
        o.marital_status,
        o.income_band,
        o.effective_from,
        o.effective_to,
        case when o.effective_to is null then true else false end as is_current,
        o.is_deleted,
        false as is_inferred,
        case
            when
                1 = 0
                or strpos(l._unknown, ',full_name,') > 0
                or strpos(l._unknown, ',email,') > 0
                or strpos(l._unknown, ',phone,') > 0
                or strpos(l._unknown, ',address_line,') > 0
                or strpos(l._unknown, ',city,') > 0
                or strpos(l._unknown, ',postal_code,') > 0
                or strpos(l._unknown, ',country,') > 0
                or strpos(l._unknown, ',birth_date,') > 0
                or strpos(l._unknown, ',marketing_opt_in,') > 0
                or strpos(o._unknown, ',gender,') > 0
                or strpos(o._unknown, ',segment,') > 0
                or strpos(o._unknown, ',marital_status,') > 0
                or strpos(o._unknown, ',income_band,') > 0
                then true
            else false
        end as is_incomplete,
        o.version_identity
    from dim_customer_opened as o
    inner join dim_customer_latest as l on o.customer_id = l.customer_id
    where o._is_seed = 0
),

versions as (
    select * from carried
    union all
    select * from fresh
)

select
    customer_sk,
    customer_id,
    full_name,
    email,
    phone,
    address_line,
    city,
    postal_code,
    country,
    birth_date,
    marketing_opt_in,
    gender,
    segment,
    marital_status,
    income_band,
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
    b.customer_sk,
    b.customer_id,
    b.full_name,
    b.email,
    b.phone,
    b.address_line,
    b.city,
    b.postal_code,
    b.country,
    b.birth_date,
    b.marketing_opt_in,
    b.gender,
    b.segment,
    b.marital_status,
    b.income_band,
    b.effective_from,
    b.effective_to,
    b.is_current,
    b.is_deleted,
    b.is_inferred,
    b.is_incomplete,
    b.version_identity
from dim_customer_before as b
left join versions as v on b.customer_id = v.customer_id
where b.is_inferred = true and v.customer_id is null;
