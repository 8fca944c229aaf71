-- The tip of each touched key: how far its log is known, and the state that the next change follows.

drop table if exists {d}_new_tip;

-- grain: one row per touched key
create temp table {d}_new_tip as
with own as (
    select
        c.*,
        max(epoch) over (partition by {key: #}) as _last_epoch
    from {d}_changes as c
    where change_op <> 't'
),

coordinates as (
    select
        {key: #},
        _last_epoch,
        max(coalesce(position, '')) as _last_position,
        case when min(kafka_partition) = max(kafka_partition) then max(kafka_partition) else -1 end as _last_partition,
        max(kafka_offset) as _last_offset,
        max(origin_sk) as _origin_sk
    from own
    where epoch = _last_epoch
    group by {key: #}, _last_epoch
),

clocks as (
    select {key: #}, max(_at) as _last_at
    from {d}_steps
    group by {key: #}
),

open_versions as (
    select
        {key: #},
        case when is_deleted = true then 'deleted' else 'live' end as _state,
        _sk,
        effective_from,
        version_identity
    from {d}_opened
    where effective_to is null
)

select
    {key: c.#},
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
    l._unknown{attribute: , l.#}
from coordinates as c
left join clocks as k on {key: c.# = k.# | and}
left join open_versions as o on {key: c.# = o.# | and}
left join {d}_latest as l on {key: c.# = l.# | and};

delete from staging.{d}_tip
using {d}_new_tip as n
where {key: {d}_tip.# = n.# | and};

insert into staging.{d}_tip ({tip: #})
select {tip: #}
from {d}_new_tip;
