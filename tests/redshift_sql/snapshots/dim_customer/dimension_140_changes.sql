-- Every change that the touched keys' history is computed from, in order: the whole log of a key to compute again (the
-- table's truncates among it), or the tip's state as a seed with the changes after it. Values stand apart from the order.
-- What a change does not have is unknown until it is filled; a tip whose key was never there knows nothing (NULL).

drop table if exists dim_customer_images;

-- grain: one row per touched key and change: its values
create temp table dim_customer_images as
select
    tip.customer_id,
    coalesce(tip._open_identity, 'seed') as change_identity,
    tip._unknown,
    tip.full_name,
    tip.email,
    tip.phone,
    tip.address_line,
    tip.city,
    tip.postal_code,
    tip.country,
    tip.birth_date,
    tip.marketing_opt_in,
    tip.gender,
    tip.segment,
    tip.marital_status,
    tip.income_band
from staging.dim_customer_tip as tip
inner join dim_customer_extended as e on tip.customer_id = e.customer_id
union all
select
    i.customer_id,
    i.change_identity,
    i.unavailable as _unknown,
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
from dim_customer_incoming as i
inner join dim_customer_extended as e on i.customer_id = e.customer_id
union all
select
    m.customer_id,
    m.change_identity,
    m.unavailable as _unknown,
    m.full_name,
    m.email,
    m.phone,
    m.address_line,
    m.city,
    m.postal_code,
    m.country,
    m.birth_date,
    m.marketing_opt_in,
    m.gender,
    m.segment,
    m.marital_status,
    m.income_band
from dim_customer_merged as m
where m._copy = 1;

drop table if exists dim_customer_changes;

-- grain: one row per touched key and change; _n counts a key's changes in order
create temp table dim_customer_changes as
with seeds as (
    select
        tip.customer_id,
        1 as _is_seed,
        coalesce(tip._open_identity, 'seed') as change_identity,
        case when tip._state = 'live' then 'u' else 'd' end as change_op,
        tip._last_epoch as epoch,
        tip._last_position as position,
        tip._last_partition as kafka_partition,
        tip._last_offset as kafka_offset,
        tip._last_at as changed_at,
        tip._unknown as unavailable,
        tip.customer_id as old_customer_id,
        tip._open_sk as change_sk,
        tip._origin_sk as origin_sk,
        tip._state as _seed_state,
        tip._open_from as _seed_from
    from staging.dim_customer_tip as tip
    inner join dim_customer_extended as e on tip.customer_id = e.customer_id
),

own as (
    select
        i.customer_id, 0 as _is_seed, i.change_identity, i.change_op, i.epoch, i.position, i.kafka_partition,
        i.kafka_offset, i.changed_at, i.unavailable, i.old_customer_id, i.change_sk, i.origin_sk,
        '' as _seed_state, i.changed_at as _seed_from
    from dim_customer_incoming as i
    inner join dim_customer_extended as e on i.customer_id = e.customer_id
    union all
    select
        m.customer_id, 0 as _is_seed, m.change_identity, m.change_op, m.epoch, m.position, m.kafka_partition,
        m.kafka_offset, m.changed_at, m.unavailable, m.old_customer_id, m.change_sk, m.origin_sk,
        '' as _seed_state, m.changed_at as _seed_from
    from dim_customer_merged as m
    where m._copy = 1
),

truncates as (
    select
        r.customer_id, 0 as _is_seed, t.change_identity, t.change_op, t.epoch, t.position, t.kafka_partition,
        t.kafka_offset, t.changed_at, t.unavailable, t.old_customer_id, t.change_sk, t.origin_sk,
        '' as _seed_state, t.changed_at as _seed_from
    from dim_customer_recomputed as r
    cross join staging.dim_customer_truncate as t
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
                    partition by customer_id, epoch, kafka_partition
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
        partition by customer_id, _is_ignored
        order by _is_seed desc, epoch, _position, kafka_partition, kafka_offset
    ) as _n
from anchored;
