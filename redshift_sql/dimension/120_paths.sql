-- Which keys are computed again from their log, and which only go on from their tip.
-- A key goes on from its tip when all its changes stand after everything known of it, at a strictly later instant.
-- While a type-1 value is unknown, only the log tells which closed versions its first value completes.

drop table if exists {d}_links;

-- grain: one row per pair of keys between which a key change carries values over
create temp table {d}_links as
select distinct {key: #, old_#}
from staging.{d}_log
where {first_key: old_#} is not null and unavailable <> ''
union
select distinct {key: #, old_#}
from {d}_incoming
where {first_key: old_#} is not null and unavailable <> '';

drop table if exists {d}_recomputed;

-- grain: one row per key to compute again from its log
create temp table {d}_recomputed as
with last_truncate as (
    select coalesce(max(lpad(cast(epoch as varchar), 10, '0') || ' ' || position), '') as _place
    from staging.{d}_truncate
),

placed as (
    select
        {key: i.#},
        case
            when {first_key: i.old_#} is not null and i.unavailable <> '' then 1
            when t._place <> '' and i.position is null then 1
            when t._place <> '' and lpad(cast(i.epoch as varchar), 10, '0') || ' ' || i.position <= t._place then 1
            when tip._last_epoch is null then 0
            when
                tip._last_at is null
                or i.changed_at <= tip._last_at
                {type1: or strpos(tip._unknown, ',#,') > 0}
                then 1
            when i.epoch > tip._last_epoch then 0
            when i.epoch < tip._last_epoch then 1
            when i.kafka_partition <> tip._last_partition or i.kafka_offset <= tip._last_offset then 1
            when i.position <= tip._last_position then 1
            else 0
        end as _is_late
    from {d}_incoming as i
    cross join last_truncate as t
    left join staging.{d}_tip as tip on {key: i.# = tip.# | and}
)

select distinct {key: #}
from placed
where _is_late = 1
union
select distinct {key: l.old_# as #}
from {d}_links as l
inner join {d}_incoming as i on {key: l.old_# = i.# | and}
union
select {key: tip.#}
from staging.{d}_tip as tip
where exists (select 1 from {d}_new_truncates)
union
select {key: i.#}
from {d}_incoming as i
where exists (select 1 from {d}_new_truncates);
