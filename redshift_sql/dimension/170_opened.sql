-- Versions: runs of consecutive upserts with equal type-2 attributes, half-open in time. What a version does not know is
-- what the last upsert of its run does not know.

drop table if exists {d}_opened;

-- grain: one row per version that the changes open, and the open version of a seed
create temp table {d}_opened as
with standing as (
    select
        s.*,
        sum(_is_upsert) over (partition by {key: #} order by _n rows unbounded preceding) as _life
    from {d}_steps as s
    where _stands = 1
),

-- A life is an upsert with what follows up to the next upsert: only the first change after the upsert can end it.
lives as (
    select
        standing.*,
        row_number() over (partition by {key: #}, _life order by _n) as _place_in_life
    from standing
),

turns as (
    select
        l.*,
        lag(l._is_upsert) over (partition by {key: l.#} order by l._n) as _was_upsert,
        lag(i._unknown) over (partition by {key: l.#} order by l._n) as _was_unknown
        {type2: , i.#}
        {type2: , lag(i.#) over (partition by {key: l.#} order by l._n) as _was_#}
    from lives as l
    left join {d}_images as i on {key: l.# = i.# | and} and l.change_identity = i.change_identity
    where l._is_seed = 1 or (l._life > 0 and l._place_in_life <= 2)
),

boundaries as (
    select turns.*
    from turns
    where _is_seed = 1
        or _is_upsert = 0
        or coalesce(_was_upsert, 0) = 0
        {type2: or case when # = _was_# or (# is null and _was_# is null) then 0 else 1 end = 1}
),

spans as (
    select
        boundaries.*,
        lead(_at) over (partition by {key: #} order by _n) as _until,
        lead(_was_unknown) over (partition by {key: #} order by _n) as _unknown_at_end
    from boundaries
)

select
    {key: s.#},
    s._is_seed,
    case when s._is_seed = 1 then s._seed_from else s._at end as effective_from,
    s._until as effective_to,
    case when s._is_upsert = 0 then true else false end as is_deleted,
    case when s._is_seed = 0 and s._at = timestamp '{origin}' then s.origin_sk else s.change_sk end as _sk,
    case
        when s._is_seed = 0 and s._at = timestamp '{origin}' then 'origin' else s.change_identity
    end as version_identity,
    case
        when s._is_upsert = 0 then i._unknown
        when s._until is null then l._unknown
        else s._unknown_at_end
    end as _unknown
    {type2: , i.#}
from spans as s
inner join {d}_steps as k on {key: s.# = k.# | and} and s._known_n = k._n
inner join {d}_images as i on {key: k.# = i.# | and} and k.change_identity = i.change_identity
inner join {d}_latest as l on {key: s.# = l.# | and}
where s._is_upsert = 1
    or (s._is_seed = 1 and s._seed_state = 'deleted')
    or (s._is_seed = 0 and s.change_op = 'd' and '{hard_delete}' = 'new_record');
