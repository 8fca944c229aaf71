-- The changes of this load, each once: the log keeps a change at its earliest Kafka coordinates.

drop table if exists {d}_incoming;

-- grain: one row per change of this load (truncates apart)
create temp table {d}_incoming as
with repeated as (
    select change_identity
    from staging.{d}_load
    where change_op <> 't'
    group by change_identity
    having count(*) > 1
),

copies as (
    select
        {load: l.#},
        row_number() over (partition by l.change_identity order by l.kafka_partition, l.kafka_offset) as _copy
    from staging.{d}_load as l
    inner join repeated as r on l.change_identity = r.change_identity
)

select {load: l.#}
from staging.{d}_load as l
left join repeated as r on l.change_identity = r.change_identity
where l.change_op <> 't' and r.change_identity is null
union all
select {load: #}
from copies
where _copy = 1;

drop table if exists {d}_new_truncates;

-- grain: one row per truncate that the log does not hold, or holds at later Kafka coordinates
create temp table {d}_new_truncates as
with loaded as (
    select
        {load: #},
        row_number() over (partition by change_identity order by kafka_partition, kafka_offset) as _copy
    from staging.{d}_load
    where change_op = 't'
)

select {load: loaded.#}
from loaded
left join staging.{d}_truncate as known on loaded.change_identity = known.change_identity
where loaded._copy = 1
    and (
        known.change_identity is null
        or loaded.kafka_partition < known.kafka_partition
        or (loaded.kafka_partition = known.kafka_partition and loaded.kafka_offset < known.kafka_offset)
    );

delete from staging.{d}_truncate
using {d}_new_truncates
where {d}_truncate.change_identity = {d}_new_truncates.change_identity;

insert into staging.{d}_truncate ({load: #})
select {load: #}
from {d}_new_truncates;
