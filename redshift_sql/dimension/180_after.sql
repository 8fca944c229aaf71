-- The touched keys' rows before and after.

drop table if exists {d}_before;

-- grain: one row per version of a touched key, as it was
create temp table {d}_before as
with touched as (
    select {key: #} from {d}_extended
    union all
    select {key: #} from {d}_recomputed
)

select {dimension: v.#}
from analytics.{d} as v
inner join touched as t on {key: v.# = t.# | and};

drop table if exists {d}_after;

-- grain: one row per version of a touched key, as it must be
create temp table {d}_after as
-- A key that goes on from its tip keeps its versions; the open one may end or become complete, and type-1 attributes,
-- none of which is unknown, show the latest value.
with carried as (
    select
        b.{sk},
        {key: b.#}{type1: , l.#}{type2: , b.#},
        b.effective_from,
        case when o._sk is null then b.effective_to else o.effective_to end as effective_to,
        case when o._sk is null then b.is_current when o.effective_to is null then true else false end as is_current,
        b.is_deleted,
        b.is_inferred,
        case
            when o._sk is null or o.is_deleted = true then b.is_incomplete
            when
                1 = 0
                {type2: or strpos(o._unknown, ',#,') > 0}
                then true
            else false
        end as is_incomplete,
        b.version_identity
    from {d}_before as b
    inner join {d}_extended as e on {key: b.# = e.# | and}
    inner join {d}_latest as l on {key: b.# = l.# | and}
    left join {d}_opened as o on b.{sk} = o._sk and {key: b.# = o.# | and} and o._is_seed = 1
    where b.is_inferred = false
),

fresh as (
    select
        o._sk as {sk},
        {key: o.#}{type1: , l.#}{type2: , o.#},
        o.effective_from,
        o.effective_to,
        case when o.effective_to is null then true else false end as is_current,
        o.is_deleted,
        false as is_inferred,
        case
            when
                1 = 0
                {type1: or strpos(l._unknown, ',#,') > 0}
                {type2: or strpos(o._unknown, ',#,') > 0}
                then true
            else false
        end as is_incomplete,
        o.version_identity
    from {d}_opened as o
    inner join {d}_latest as l on {key: o.# = l.# | and}
    where o._is_seed = 0
),

versions as (
    select * from carried
    union all
    select * from fresh
)

select {dimension: #}
from versions
union all
-- An inferred member stays while its key has no version.
select {dimension: b.#}
from {d}_before as b
left join versions as v on {key: b.# = v.# | and}
where b.is_inferred = true and {first_key: v.#} is null;
