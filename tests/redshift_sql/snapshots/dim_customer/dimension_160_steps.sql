-- The changes that count, each at its instant: idle snapshot rows and truncates of a dead key are out, clocks are clamped.

drop table if exists dim_customer_idle;

-- grain: one row per snapshot row that repeats the live state before it and knows no more
create temp table dim_customer_idle as
select c.customer_id, c._n
from dim_customer_changes as c
inner join dim_customer_changes as p on c.customer_id = p.customer_id and c._n = p._n + 1
inner join dim_customer_images as now on c.customer_id = now.customer_id and c.change_identity = now.change_identity
inner join dim_customer_images as was on p.customer_id = was.customer_id and p.change_identity = was.change_identity
where c.change_op = 'r'
    and c._is_ignored = 0
    and p._is_ignored = 0
    and p.change_op in ('c', 'u', 'r')
    and now._unknown = was._unknown
    and case when now.full_name = was.full_name or (now.full_name is null and was.full_name is null) then 0 else 1 end = 0
    and case when now.email = was.email or (now.email is null and was.email is null) then 0 else 1 end = 0
    and case when now.phone = was.phone or (now.phone is null and was.phone is null) then 0 else 1 end = 0
    and case when now.address_line = was.address_line or (now.address_line is null and was.address_line is null) then 0 else 1 end = 0
    and case when now.city = was.city or (now.city is null and was.city is null) then 0 else 1 end = 0
    and case when now.postal_code = was.postal_code or (now.postal_code is null and was.postal_code is null) then 0 else 1 end = 0
    and case when now.country = was.country or (now.country is null and was.country is null) then 0 else 1 end = 0
    and case when now.birth_date = was.birth_date or (now.birth_date is null and was.birth_date is null) then 0 else 1 end = 0
    and case when now.marketing_opt_in = was.marketing_opt_in or (now.marketing_opt_in is null and was.marketing_opt_in is null) then 0 else 1 end = 0
    and case when now.gender = was.gender or (now.gender is null and was.gender is null) then 0 else 1 end = 0
    and case when now.segment = was.segment or (now.segment is null and was.segment is null) then 0 else 1 end = 0
    and case when now.marital_status = was.marital_status or (now.marital_status is null and was.marital_status is null) then 0 else 1 end = 0
    and case when now.income_band = was.income_band or (now.income_band is null and was.income_band is null) then 0 else 1 end = 0;

drop table if exists dim_customer_steps;

-- grain: one row per touched key and change that counts
create temp table dim_customer_steps as
with changes as (
    select
        c.*,
        case when c.change_op in ('c', 'u', 'r') then 1 else 0 end as _is_upsert,
        lag(c.change_op) over (partition by c.customer_id order by c._n) as _previous_op
    from dim_customer_changes as c
    where c._is_ignored = 0
),

counting as (
    select
        c.*,
        row_number() over (partition by c.customer_id order by c._n) as _step
    from changes as c
    left join dim_customer_idle as i on c.customer_id = i.customer_id and c._n = i._n
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
        ) over (partition by customer_id order by _n rows unbounded preceding) as _at,
        max(case when _is_upsert = 1 or _is_seed = 1 then _n end) over (
            partition by customer_id order by _n rows unbounded preceding
        ) as _known_n
    from counting
)

-- Changes at one instant are one: the last in order stands.
select
    customer_id,
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
    case when lead(_at) over (partition by customer_id order by _n) = _at then 0 else 1 end as _stands
from instants;

drop table if exists dim_customer_latest;

-- grain: one row per touched key that was ever there: the values of its last upsert
create temp table dim_customer_latest as
with last_known as (
    select customer_id, max(_n) as _n
    from dim_customer_steps
    where _is_upsert = 1 or _is_seed = 1
    group by customer_id
)

select i.customer_id, i._unknown,
    i.full_name,
    i.email,
    i.phone,
    i.address_line,
    i.city,
    i.postal_code,
    i.country,
    i.birth_date,
    i.marketing_opt_in,
    i.gender,
    i.segment,
    i.marital_status,
    i.income_band
from last_known as k
inner join dim_customer_steps as s on k.customer_id = s.customer_id and k._n = s._n
inner join dim_customer_images as i on s.customer_id = i.customer_id and s.change_identity = i.change_identity;
