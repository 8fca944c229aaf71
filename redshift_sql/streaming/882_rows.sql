-- The rows that {s} has now: those of the mirror, and over them the stream's changes that no load has.
-- grain: one row per row of the source table
create view staging.{s}_now as
with changes as (
    select
        {column: s.#},
        s.epoch,
        s.kafka_partition,
        s.kafka_offset,
        s.kafka_timestamp,
        s.change_op,
        s.position,
        s.unavailable,
        s.is_new,
        coalesce(s.change_identity, cast(s.kafka_partition as varchar) || '/' || cast(s.kafka_offset as varchar)) as _identity
    from staging.{s}_stream as s
    where s.reason is null and s.change_op in ('c', 'u', 'd', 'r', 't')
),

touched as (
    select {key: #}
    from changes
    where is_new = 1 and change_op <> 't'
    union
    select {key: #}
    from staging.{s}
    where exists (select 1 from changes where is_new = 1 and change_op = 't')
),

-- The mirror does not say where its rows stand in the log. So loaded changes, as long as the stream keeps them, are put
-- in order with the new ones. A re-emission is the change that it repeats.
emitted as (
    select
        c.*,
        min(c.is_new) over (partition by {key: c.#}, c._identity) as _is_fresh,
        row_number() over (partition by {key: c.#}, c._identity order by c.kafka_partition, c.kafka_offset) as _copy
    from changes as c
    inner join touched as t on {key: c.# = t.# | and}
    where c.change_op <> 't'
),

truncates as (
    select
        epoch,
        kafka_partition,
        kafka_offset,
        kafka_timestamp,
        position,
        min(is_new) over (partition by _identity) as _is_fresh,
        row_number() over (partition by _identity order by kafka_partition, kafka_offset) as _copy
    from changes
    where change_op = 't'
),

events as (
    select
        {key: e.#},
        0 as _is_seed,
        e._is_fresh,
        e.epoch,
        e.position,
        e.kafka_partition,
        e.kafka_offset,
        case when e._is_fresh = 1 then e.kafka_timestamp end as streamed_at,
        e.change_op,
        e.unavailable
        {attribute: , e.#}
    from emitted as e
    where e._copy = 1
    union all
    select
        {key: t.#},
        0 as _is_seed,
        r._is_fresh,
        r.epoch,
        r.position,
        r.kafka_partition,
        r.kafka_offset,
        case when r._is_fresh = 1 then r.kafka_timestamp end as streamed_at,
        't' as change_op,
        '' as unavailable
        {attribute: , cast(null as #type) as #}
    from touched as t
    cross join truncates as r
    where r._copy = 1
),

{filled},

-- Where a key's last change is loaded, the mirror says whether the row is there; what no new change gave is the mirror's.
present as (
    select
        {key: f.#}
        {attribute: , case when f._fresh_# = 1 or {first_key: m.#} is null then f.# else m.# end as #},
        case
            when
                f._is_fresh = 1
                {attribute: or f._fresh_# = 1}
                then true
            else false
        end as is_streamed,
        f.streamed_at
    from filled as f
    left join staging.{s} as m on {key: f.# = m.# | and}
    where f._from_last = 1
        and (
            (f._is_fresh = 1 and f.change_op in ('c', 'u', 'r'))
            or (f._is_fresh = 0 and {first_key: m.#} is not null)
        )
)

select
    {column: m.#},
    false as is_streamed,
    cast(null as timestamp) as streamed_at
from staging.{s} as m
left join touched as t on {key: m.# = t.# | and}
where {first_key: t.#} is null
union all
select
    {column: p.#},
    p.is_streamed,
    p.streamed_at
from present as p
with no schema binding;
