-- Unavailable values are those of the key's upsert before, across a key change of the old key's; unknown if none has one.
-- Repeated until no row is updated, so that values run along chains of key changes.

drop table if exists {d}_filled;

-- grain: one row per upsert with unavailable values
create temp table {d}_filled as
with holed as (
    select distinct {key: #}
    from {d}_changes
    where unavailable <> ''
),

upserts as (
    select
        {key: c.#},
        c._n,
        c._place,
        c.change_identity,
        c.unavailable,
        {key: c.old_#},
        case when {first_key: c.old_#} is not null and c.unavailable <> '' and c._is_seed = 0 then 1 else 0 end as _is_moved
    from {d}_changes as c
    inner join holed as h on {key: c.# = h.# | and}
    where c.change_op in ('c', 'u', 'r') or c._is_seed = 1
),

-- grain: one row per key change and earlier upsert of the old key; the last one is first
donors as (
    select
        {key: moved.# as _moved_#},
        moved._n as _moved_n,
        {key: donor.#},
        donor.change_identity,
        row_number() over (partition by {key: moved.#}, moved._n order by donor._place desc) as _nearness
    from upserts as moved
    inner join {d}_changes as donor
        on {key: moved.old_# = donor.# | and}
        and donor.change_op in ('c', 'u', 'r')
        and donor._place < moved._place
    where moved._is_moved = 1
),

known as (
    select
        {key: u.#},
        u._n,
        u.change_identity,
        u.unavailable
        {attribute: , case when strpos(u.unavailable, ',#,') = 0 then own.# else given.# end as #}
        {attribute: , case when strpos(u.unavailable, ',#,') = 0 or strpos(given._unknown, ',#,') = 0 then 1 else 0 end as _known_#}
        {attribute: , sum(case when strpos(u.unavailable, ',#,') = 0 or u._is_moved = 1 then 1 else 0 end) over (partition by {key: u.#} order by u._n rows unbounded preceding) as _run_#}
    from upserts as u
    inner join {d}_images as own on {key: u.# = own.# | and} and u.change_identity = own.change_identity
    left join donors as d
        on {key: u.# = d._moved_# | and}
        and u._n = d._moved_n
        and d._nearness = 1
    left join {d}_images as given on {key: d.# = given.# | and} and d.change_identity = given.change_identity
),

spread as (
    select
        {key: #},
        change_identity,
        unavailable
        {ordinary_attribute: , max(#) over (partition by {key: #}, _run_#) as #}
        {boolean_attribute: , cast(max(cast(# as integer)) over (partition by {key: #}, _run_#) as boolean) as #}
        {binary_attribute: , from_hex(max(to_hex(#)) over (partition by {key: #}, _run_#)) as #}
        {attribute: , max(_known_#) over (partition by {key: #}, _run_#) as _known_#}
    from known
)

select
    spread.*,
    case
        when {attribute: _known_# = 1 | and}
            then ''
        else ','
    end
    || {attribute: case when _known_# = 1 then '' else '#,' end | concat} as _unknown
from spread
where unavailable <> '';

update {d}_images
set _unknown = f._unknown{attribute: , # = f.#}
from {d}_filled as f
where {key: {d}_images.# = f.# | and}
    and {d}_images.change_identity = f.change_identity
    and (
        {d}_images._unknown <> f._unknown
        {attribute: or case when {d}_images.# = f.# or ({d}_images.# is null and f.# is null) then 0 else 1 end = 1}
    );
