-- Every change that the touched keys' history is computed from, in order: the whole log of a key to compute again (the
-- table's truncates among it), or the tip's state as a seed with the changes after it. Values stand apart from the order.
-- What a change does not have is unknown until it is filled; a tip whose key was never there knows nothing (NULL).

drop table if exists {d}_images;

-- grain: one row per touched key and change: its values
create temp table {d}_images as
select
    {key: tip.#},
    coalesce(tip._open_identity, 'seed') as change_identity,
    tip._unknown{attribute: , tip.#}
from staging.{d}_tip as tip
inner join {d}_extended as e on {key: tip.# = e.# | and}
union all
select
    {key: i.#},
    i.change_identity,
    i.unavailable as _unknown{attribute: , i.#}
from {d}_incoming as i
inner join {d}_extended as e on {key: i.# = e.# | and}
union all
select
    {key: m.#},
    m.change_identity,
    m.unavailable as _unknown{attribute: , m.#}
from {d}_merged as m
where m._copy = 1;

drop table if exists {d}_changes;

-- grain: one row per touched key and change; _n counts a key's changes in order
create temp table {d}_changes as
with seeds as (
    select
        {key: tip.#},
        1 as _is_seed,
        coalesce(tip._open_identity, 'seed') as change_identity,
        case when tip._state = 'live' then 'u' else 'd' end as change_op,
        tip._last_epoch as epoch,
        tip._last_position as position,
        tip._last_partition as kafka_partition,
        tip._last_offset as kafka_offset,
        tip._last_at as changed_at,
        tip._unknown as unavailable,
        {key: tip.# as old_#},
        tip._open_sk as change_sk,
        tip._origin_sk as origin_sk,
        tip._state as _seed_state,
        tip._open_from as _seed_from
    from staging.{d}_tip as tip
    inner join {d}_extended as e on {key: tip.# = e.# | and}
),

own as (
    select
        {key: i.#}, 0 as _is_seed, i.change_identity, i.change_op, i.epoch, i.position, i.kafka_partition,
        i.kafka_offset, i.changed_at, i.unavailable, {key: i.old_#}, i.change_sk, i.origin_sk,
        '' as _seed_state, i.changed_at as _seed_from
    from {d}_incoming as i
    inner join {d}_extended as e on {key: i.# = e.# | and}
    union all
    select
        {key: m.#}, 0 as _is_seed, m.change_identity, m.change_op, m.epoch, m.position, m.kafka_partition,
        m.kafka_offset, m.changed_at, m.unavailable, {key: m.old_#}, m.change_sk, m.origin_sk,
        '' as _seed_state, m.changed_at as _seed_from
    from {d}_merged as m
    where m._copy = 1
),

truncates as (
    select
        {key: r.#}, 0 as _is_seed, t.change_identity, t.change_op, t.epoch, t.position, t.kafka_partition,
        t.kafka_offset, t.changed_at, t.unavailable, {key: t.old_#}, t.change_sk, t.origin_sk,
        '' as _seed_state, t.changed_at as _seed_from
    from {d}_recomputed as r
    cross join staging.{d}_truncate as t
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
                    partition by {key: #}, epoch, kafka_partition
                    order by kafka_offset
                    rows between unbounded preceding and 1 preceding
                ),
                ''
            )
        end as _position,
        case
            when _is_seed = 1 then 0
            when change_op = 'd' and '{hard_delete}' = 'ignore' then 1
            when change_op = 't' and '{truncate}' = 'ignore' then 1
            else 0
        end as _is_ignored
    from together
)

select
    anchored.*,
    lpad(cast(epoch as varchar), 10, '0') || ' ' || _position || ' ' || lpad(cast(kafka_partition as varchar), 10, '0')
    || ' ' || lpad(cast(kafka_offset as varchar), 20, '0') as _place,
    row_number() over (
        partition by {key: #}, _is_ignored
        order by _is_seed desc, epoch, _position, kafka_partition, kafka_offset
    ) as _n
from anchored;
