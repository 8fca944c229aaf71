-- Facts in moved intervals refer to the version that the as-of rule gives now; the restatement log says which, and why.

drop table if exists {f}_{r}_moved;

-- grain: one row per fact in a moved interval of its member
create temp table {f}_{r}_moved as
select
    {key: f.#},
    f.{event} as _event_time,
    f.{r} as _old_sk,
    m._origin_sk,
    {pair: m.@ as _member_@}
from analytics.{f} as f
inner join {d}_moves as m on {pair: f.# = m.@ | and}
where f.{event} >= :moved_from
    and f.{event} < :moved_to
    and f.{event} >= m._moved_from
    and f.{event} < m._moved_to;

drop table if exists {f}_{r}_bereft;

-- grain: one row per member that has facts and no version any more
create temp table {f}_{r}_bereft as
select {pair: m._member_@}, max(m._origin_sk) as _origin_sk
from {f}_{r}_moved as m
left join {d}_after as a on {pair: m._member_@ = a.@ | and}
where a.{sk} is null
group by {pair: m._member_@};

insert into analytics.{d} ({sk}, {pair: @}, effective_from, is_current, is_deleted, is_inferred, is_incomplete, version_identity)
select _origin_sk, {pair: _member_@}, timestamp '{origin}', true, false, true, false, 'inferred'
from {f}_{r}_bereft;

insert into {d}_after ({sk}, {pair: @}, effective_from, is_current, is_deleted, is_inferred, is_incomplete, version_identity)
select _origin_sk, {pair: _member_@}, timestamp '{origin}', true, false, true, false, 'inferred'
from {f}_{r}_bereft;

drop table if exists {f}_{r}_rekeyed;

-- grain: one row per fact that another version fits now
create temp table {f}_{r}_rekeyed as
with windows as (
    select
        {pair: @},
        {sk} as _sk,
        is_inferred,
        effective_from,
        row_number() over (partition by {pair: @} order by effective_from) as _number,
        lead(effective_from) over (partition by {pair: @} order by effective_from) as _until
    from {d}_after
)

select
    {key: m.#},
    m._event_time,
    m._old_sk,
    w._sk as _new_sk,
    case
        when w.is_inferred = true then 'the member has no version any more'
        when b.is_inferred = true then 'the member is known now'
        else 'versions of the member moved'
    end as _reason
from {f}_{r}_moved as m
inner join windows as w on {pair: m._member_@ = w.@ | and}
left join {d}_before as b on m._old_sk = b.{sk}
where (w._number = 1 or w.effective_from <= m._event_time)
    and (w._until is null or w._until > m._event_time)
    and w._sk <> m._old_sk;

update analytics.{f}
set {r} = n._new_sk
from {f}_{r}_rekeyed as n
where {key: {f}.# = n.# | and}
    and {f}.{event} >= :moved_from
    and {f}.{event} < :moved_to;

insert into analytics.restatements (
    load_seq, fact, reference, business_key, event_time, old_sk, new_sk, reason, restated_at
)
select
    cast(:load_seq as bigint),
    '{f}',
    '{r}',
    {key: cast(# as varchar) | slash},
    _event_time,
    _old_sk,
    _new_sk,
    _reason,
    cast(:loaded_at as timestamp)
from {f}_{r}_rekeyed;
