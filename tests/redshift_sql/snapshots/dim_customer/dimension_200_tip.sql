-- The tip of each touched key: how far its log is known, and the state that the next change follows.

drop table if exists dim_customer_new_tip;

-- grain: one row per touched key
create temp table dim_customer_new_tip as
with own as (
    select
        c.*,
        max(epoch) over (partition by customer_id) as _last_epoch
    from dim_customer_changes as c
    where change_op <> 't'
),

coordinates as (
    select
        customer_id,
        _last_epoch,
        max(coalesce(position, '')) as _last_position,
        case when min(kafka_partition) = max(kafka_partition) then max(kafka_partition) else -1 end as _last_partition,
        max(kafka_offset) as _last_offset,
        max(origin_sk) as _origin_sk
    from own
    where epoch = _last_epoch
    group by customer_id, _last_epoch
),

clocks as (
    select customer_id, max(_at) as _last_at
    from dim_customer_steps
    group by customer_id
),

open_versions as (
    select
        customer_id,
        case when is_deleted = true then 'deleted' else 'live' end as _state,
        _sk,
        effective_from,
        version_identity
    from dim_customer_opened
    where effective_to is null
)

select
    c.customer_id,
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
    l.full_name,
    l.email,
    l.phone,
    l.address_line,
    l.city,
    l.postal_code,
    l.country,
    l.birth_date,
    l.marketing_opt_in,
    l.gender,
    l.segment,
    l.marital_status,
    l.income_band
from coordinates as c
left join clocks as k on c.customer_id = k.customer_id
left join open_versions as o on c.customer_id = o.customer_id
left join dim_customer_latest as l on c.customer_id = l.customer_id;

delete from staging.dim_customer_tip
using dim_customer_new_tip as n
where dim_customer_tip.customer_id = n.customer_id;

insert into staging.dim_customer_tip (
    customer_id,
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
    income_band
)
select
    customer_id,
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
    income_band
from dim_customer_new_tip;
