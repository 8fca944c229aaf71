-- {d} as it is now: the newest load's rows, and over them the stream's changes that no load has.
-- grain: one row per key that is there
create view analytics.{d}_now as
with emitted as (
    select
        {key: s.@ as #},
        s.epoch,
        s.kafka_partition,
        s.kafka_offset,
        s.kafka_timestamp,
        s.change_op,
        s.position,
        {unavailable} as unavailable,
        row_number() over (
            partition by coalesce(s.change_identity, cast(s.kafka_partition as varchar) || '/' || cast(s.kafka_offset as varchar))
            order by s.kafka_partition, s.kafka_offset
        ) as _copy
        {attribute: , s.@ as #}
    from staging.{s}_stream as s
    left join staging.{s}_stream as loaded
        on s.change_identity = loaded.change_identity
        and loaded.reason is null
        and loaded.is_new = 0
    where s.is_new = 1
        and s.reason is null
        and s.change_op in ('c', 'u', 'd', 'r', 't')
        and loaded.change_identity is null
),

-- A re-emission is the change that it repeats.
fresh as (
    select *
    from emitted
    where _copy = 1
),

truncates as (
    select epoch, kafka_partition, kafka_offset, kafka_timestamp, position, 1 as _is_fresh
    from fresh
    where change_op = 't'
    union all
    select epoch, kafka_partition, kafka_offset, changed_at as kafka_timestamp, position, 0 as _is_fresh
    from staging.{d}_truncate
),

touched as (
    select {key: #}
    from fresh
    where change_op <> 't'
    union
    select {key: #}
    from staging.{d}_tip
    where exists (select 1 from fresh where change_op = 't')
),

-- A key goes on from its tip where all its new changes stand after it; else its log is read.
late as (
    select distinct {key: f.#}
    from fresh as f
    inner join staging.{d}_tip as tip on {key: f.# = tip.# | and}
    where f.change_op <> 't'
        and (
            f.epoch < tip._last_epoch
            or (f.epoch = tip._last_epoch and f.kafka_partition <> tip._last_partition)
            or (f.epoch = tip._last_epoch and f.kafka_offset <= tip._last_offset)
            or (f.epoch = tip._last_epoch and f.change_op <> 'r' and f.position <= tip._last_position)
        )
),

events as (
    select
        {key: tip.#},
        1 as _is_seed,
        0 as _is_fresh,
        tip._last_epoch as epoch,
        tip._last_position as position,
        tip._last_partition as kafka_partition,
        tip._last_offset as kafka_offset,
        cast(null as timestamp) as streamed_at,
        case when tip._state = 'live' then 'u' else 'd' end as change_op,
        coalesce(tip._unknown, '{everything}') as unavailable
        {attribute: , tip.#}
    from staging.{d}_tip as tip
    inner join touched as t on {key: tip.# = t.# | and}
    left join late on {key: tip.# = late.# | and}
    where {first_key: late.#} is null
    union all
    select
        {key: l.#},
        0 as _is_seed,
        0 as _is_fresh,
        l.epoch,
        l.position,
        l.kafka_partition,
        l.kafka_offset,
        cast(null as timestamp) as streamed_at,
        l.change_op,
        l.unavailable
        {attribute: , l.#}
    from staging.{d}_log as l
    inner join late on {key: l.# = late.# | and}
    union all
    select
        {key: f.#},
        0 as _is_seed,
        1 as _is_fresh,
        f.epoch,
        f.position,
        f.kafka_partition,
        f.kafka_offset,
        f.kafka_timestamp as streamed_at,
        f.change_op,
        f.unavailable
        {attribute: , f.#}
    from fresh as f
    where f.change_op <> 't'
    union all
    select
        {key: t.#},
        0 as _is_seed,
        r._is_fresh,
        r.epoch,
        r.position,
        r.kafka_partition,
        r.kafka_offset,
        r.kafka_timestamp as streamed_at,
        't' as change_op,
        '{everything}' as unavailable
        {attribute: , cast(null as #type) as #}
    from touched as t
    cross join truncates as r
    left join staging.{d}_tip as tip on {key: t.# = tip.# | and}
    left join late on {key: t.# = late.# | and}
    where tip._last_epoch is null
        or {first_key: late.#} is not null
        or r.epoch > tip._last_epoch
        or (r.epoch = tip._last_epoch and r.position > tip._last_position)
),

{filled},

present as (
    select {dimension: #}
    from analytics.{d}
    where is_current = true and is_deleted = false and is_inferred = false and {sk} <> -1
)

select
    p.{sk},
    {key: p.#}
    {attribute: , p.#},
    p.is_incomplete,
    false as is_streamed,
    cast(null as timestamp) as streamed_at
from present as p
left join touched as t on {key: p.# = t.# | and}
where {first_key: t.#} is null
union all
select
    p.{sk},
    {key: f.#}
    {attribute: , f.#},
    case
        when
            1 = 0
            {attribute: or f._fresh_# is null}
            then true
        else false
    end as is_incomplete,
    case when f._is_seed = 1 then false else true end as is_streamed,
    f.streamed_at
from filled as f
left join present as p on {key: f.# = p.# | and}
where f._from_last = 1 and f.change_op in ('c', 'u', 'r')
with no schema binding;
