-- The versions that the loaded facts may refer to; a member without one is inferred.

drop table if exists {f}_{r}_members;

-- grain: one row per member that a loaded, live fact refers to
create temp table {f}_{r}_members as
select {pair: # as _member_@}, max({r}_origin_sk) as _origin_sk
from staging.{f}_load
where is_deleted = false
    and {event} is not null
    and {pair: # is not null | and}
group by {pair: #};

drop table if exists {f}_{r}_windows;

-- grain: one row per version of such a member; facts from effective_from (the first: from ever) until _until refer to it
create temp table {f}_{r}_windows as
select
    {pair: v.@},
    v.{sk} as _sk,
    v.effective_from,
    row_number() over (partition by {pair: v.@} order by v.effective_from) as _number,
    lead(v.effective_from) over (partition by {pair: v.@} order by v.effective_from) as _until
from analytics.{d} as v
inner join {f}_{r}_members as m on {pair: v.@ = m._member_@ | and};

drop table if exists {f}_{r}_missing;

-- grain: one row per member without a version
create temp table {f}_{r}_missing as
select {pair: m._member_@}, m._origin_sk
from {f}_{r}_members as m
left join {f}_{r}_windows as w on {pair: m._member_@ = w.@ | and}
where w._sk is null;

insert into analytics.{d} ({sk}, {pair: @}, effective_from, is_current, is_deleted, is_inferred, is_incomplete, version_identity)
select _origin_sk, {pair: _member_@}, timestamp '{origin}', true, false, true, false, 'inferred'
from {f}_{r}_missing;

insert into {f}_{r}_windows ({pair: @}, _sk, effective_from, _number)
select {pair: _member_@}, _origin_sk, timestamp '{origin}', 1
from {f}_{r}_missing;
