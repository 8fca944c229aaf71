-- Which keys are computed again from their log, and which only go on from their tip.
-- A key goes on from its tip when all its changes stand after everything known of it, at a strictly later instant.
-- While a type-1 value is unknown, only the log tells which closed versions its first value completes.

drop table if exists dim_customer_links;

-- grain: one row per pair of keys between which a key change carries values over
create temp table dim_customer_links as
select distinct customer_id, old_customer_id
from staging.dim_customer_log
where old_customer_id is not null and unavailable <> ''
union
select distinct customer_id, old_customer_id
from dim_customer_incoming
where old_customer_id is not null and unavailable <> '';

drop table if exists dim_customer_recomputed;

-- grain: one row per key to compute again from its log
create temp table dim_customer_recomputed as
with last_truncate as (
    select coalesce(max(lpad(cast(epoch as varchar), 10, '0') || ' ' || position), '') as _place
    from staging.dim_customer_truncate
),

placed as (
    select
        i.customer_id,
        case
            when i.old_customer_id is not null and i.unavailable <> '' then 1
            when t._place <> '' and i.position is null then 1
            when t._place <> '' and lpad(cast(i.epoch as varchar), 10, '0') || ' ' || i.position <= t._place then 1
            when tip._last_epoch is null then 0
            when
                tip._last_at is null
                or i.changed_at <= tip._last_at
                or strpos(tip._unknown, ',full_name,') > 0
                or strpos(tip._unknown, ',email,') > 0
                or strpos(tip._unknown, ',phone,') > 0
                or strpos(tip._unknown, ',address_line,') > 0
                or strpos(tip._unknown, ',city,') > 0
                or strpos(tip._unknown, ',postal_code,') > 0
                or strpos(tip._unknown, ',country,') > 0
                or strpos(tip._unknown, ',birth_date,') > 0
                or strpos(tip._unknown, ',marketing_opt_in,') > 0
                then 1
            when i.epoch > tip._last_epoch then 0
            when i.epoch < tip._last_epoch then 1
            when i.kafka_partition <> tip._last_partition or i.kafka_offset <= tip._last_offset then 1
            when i.position <= tip._last_position then 1
            else 0
        end as _is_late
    from dim_customer_incoming as i
    cross join last_truncate as t
    left join staging.dim_customer_tip as tip on i.customer_id = tip.customer_id
)

select distinct customer_id
from placed
where _is_late = 1
union
select distinct l.old_customer_id as customer_id
from dim_customer_links as l
inner join dim_customer_incoming as i on l.old_customer_id = i.customer_id
union
select tip.customer_id
from staging.dim_customer_tip as tip
where exists (select 1 from dim_customer_new_truncates)
union
select i.customer_id
from dim_customer_incoming as i
where exists (select 1 from dim_customer_new_truncates);
