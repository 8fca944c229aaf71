-- The change log takes the new changes; a re-emission at earlier Kafka coordinates takes the place of its later copy.

drop table if exists {d}_extended;

-- grain: one row per key that goes on from its tip
create temp table {d}_extended as
select distinct {key: i.#}
from {d}_incoming as i
left join {d}_recomputed as r on {key: i.# = r.# | and}
where {first_key: r.#} is null;

drop table if exists {d}_merged;

-- grain: one row per copy of a change of a key to compute again; copy 1 is the change
create temp table {d}_merged as
with known as (
    select
        {load: l.#},
        0 as _is_new
    from staging.{d}_log as l
    inner join {d}_recomputed as r on {key: l.# = r.# | and}
),

arrived as (
    select
        {load: i.#},
        1 as _is_new
    from {d}_incoming as i
    inner join {d}_recomputed as r on {key: i.# = r.# | and}
),

again as (
    select k.change_identity
    from known as k
    inner join arrived as a on k.change_identity = a.change_identity
),

copies as (
    select
        known.*,
        case when again.change_identity is null then 0 else 1 end as _is_again
    from known
    left join again on known.change_identity = again.change_identity
    union all
    select
        arrived.*,
        case when again.change_identity is null then 0 else 1 end as _is_again
    from arrived
    left join again on arrived.change_identity = again.change_identity
)

select
    {load: #},
    _is_new,
    1 as _copy
from copies
where _is_again = 0
union all
select
    {load: #},
    _is_new,
    row_number() over (partition by change_identity order by kafka_partition, kafka_offset, _is_new) as _copy
from copies
where _is_again = 1;

drop table if exists {d}_superseded;

-- grain: one row per logged change that an earlier emission replaces
create temp table {d}_superseded as
select {key: #}, change_identity
from {d}_merged
where _is_new = 0 and _copy > 1;

delete from staging.{d}_log
using {d}_superseded
where {key: {d}_log.# = {d}_superseded.# | and}
    and {d}_log.change_identity = {d}_superseded.change_identity;

insert into staging.{d}_log ({load: #})
select {load: #}
from {d}_merged
where _is_new = 1 and _copy = 1
union all
select {load: i.#}
from {d}_incoming as i
inner join {d}_extended as e on {key: i.# = e.# | and};
