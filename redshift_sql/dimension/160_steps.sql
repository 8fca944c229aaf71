-- The changes that count, each at its instant: idle snapshot rows and truncates of a dead key are out, clocks are clamped.

drop table if exists {d}_idle;

-- grain: one row per snapshot row that repeats the live state before it and knows no more
create temp table {d}_idle as
select {key: c.#}, c._n
from {d}_changes as c
inner join {d}_changes as p on {key: c.# = p.# | and} and c._n = p._n + 1
inner join {d}_images as now on {key: c.# = now.# | and} and c.change_identity = now.change_identity
inner join {d}_images as was on {key: p.# = was.# | and} and p.change_identity = was.change_identity
where c.change_op = 'r'
    and c._is_ignored = 0
    and p._is_ignored = 0
    and p.change_op in ('c', 'u', 'r')
    and now._unknown = was._unknown
    {attribute: and case when now.# = was.# or (now.# is null and was.# is null) then 0 else 1 end = 0};

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

counting as (
    select
        c.*,
        row_number() over (partition by {key: c.#} order by c._n) as _step
    from changes as c
    left join {d}_idle as i on {key: c.# = i.# | and} and c._n = i._n
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
        ) over (partition by {key: #} order by _n rows unbounded preceding) as _at,
        max(case when _is_upsert = 1 or _is_seed = 1 then _n end) over (
            partition by {key: #} order by _n rows unbounded preceding
        ) as _known_n
    from counting
)

-- Changes at one instant are one: the last in order stands.
select
    {key: #},
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
    case when lead(_at) over (partition by {key: #} order by _n) = _at then 0 else 1 end as _stands
from instants;

drop table if exists {d}_latest;

-- grain: one row per touched key that was ever there: the values of its last upsert
create temp table {d}_latest as
with last_known as (
    select {key: #}, max(_n) as _n
    from {d}_steps
    where _is_upsert = 1 or _is_seed = 1
    group by {key: #}
)

select {key: i.#}, i._unknown{attribute: , i.#}
from last_known as k
inner join {d}_steps as s on {key: k.# = s.# | and} and k._n = s._n
inner join {d}_images as i on {key: s.# = i.# | and} and s.change_identity = i.change_identity;
