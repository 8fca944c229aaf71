-- The changes that count, each at its instant: idle snapshot rows and truncates of a dead key are out, clocks are clamped.

drop table if exists {d}_steps;

-- grain: one row per touched key and change that counts
create temp table {d}_steps as
with changes as (
    select
        c.*,
        case when c.change_op in ('c', 'u', 'r') then 1 else 0 end as _is_upsert,
        lag(c.change_op) over (partition by {key: c.#} order by c._n) as _previous_op
    from {d}_changes as c
    where c._is_ignored = 0
),

-- grain: one row per snapshot row that repeats the live state before it
idle as (
    select {key: c.#}, c._n
    from changes as c
    inner join changes as p on {key: c.# = p.# | and} and c._n = p._n + 1
    where c.change_op = 'r'
        and p._is_upsert = 1
        {attribute: and case when c.# = p.# or (c.# is null and p.# is null) then 0 else 1 end = 0}
),

counting as (
    select
        c.*,
        row_number() over (partition by {key: c.#} order by c._n) as _step
    from changes as c
    left join idle as i on {key: c.# = i.# | and} and c._n = i._n
    where i._n is null
        and not (c.change_op = 't' and coalesce(c._previous_op, 't') in ('d', 't'))
),

-- A key's first change, when it is a snapshot row, was true from the beginning of time.
instants as (
    select
        counting.*,
        max(
            case
                when _step = 1 and change_op = 'r' and '{first_snapshot}' = 'origin' then timestamp '{origin}'
                when changed_at < timestamp '{origin}' then timestamp '{origin}'
                else changed_at
            end
        ) over (partition by {key: #} order by _n rows unbounded preceding) as _at
    from counting
)

select
    instants.*,
    max(case when _is_upsert = 1 or _is_seed = 1 then _n end) over (
        partition by {key: #} order by _n rows unbounded preceding
    ) as _known_n,
    row_number() over (partition by {key: #}, _at order by _n desc) as _rank_at_instant
from instants;

drop table if exists {d}_latest;

-- grain: one row per touched key that was ever there: the values of its last upsert
create temp table {d}_latest as
with ranked as (
    select
        s.*,
        row_number() over (partition by {key: #} order by _n desc) as _age
    from {d}_steps as s
    where _is_upsert = 1 or _is_seed = 1
)

select {key: #}{attribute: , #}
from ranked
where _age = 1;
