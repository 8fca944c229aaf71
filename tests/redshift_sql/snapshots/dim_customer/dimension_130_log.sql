-- The change log takes the new changes; a re-emission at earlier Kafka coordinates takes the place of its later copy.

drop table if exists dim_customer_extended;

-- grain: one row per key that goes on from its tip
create temp table dim_customer_extended as
select distinct i.customer_id
from dim_customer_incoming as i
left join dim_customer_recomputed as r on i.customer_id = r.customer_id
where r.customer_id is null;

drop table if exists dim_customer_merged;

-- grain: one row per copy of a change of a key to compute again; copy 1 is the change
create temp table dim_customer_merged as
with known as (
    select
        l.customer_id,
        l.change_identity,
        l.change_op,
        l.epoch,
        l.position,
        l.kafka_partition,
        l.kafka_offset,
        l.changed_at,
        l.unavailable,
        l.old_customer_id,
        l.change_sk,
        l.origin_sk,
        l.full_name,
        l.email,
        l.phone,
        l.address_line,
        l.city,
        l.postal_code,
        l.country,
        l.birth_date,
        l.marketing_opt_in,
        l.gender,
        l.segment,
        l.marital_status,
        l.income_band,
        0 as _is_new
    from staging.dim_customer_log as l
    inner join dim_customer_recomputed as r on l.customer_id = r.customer_id
),

arrived as (
    select
        i.customer_id,
        i.change_identity,
        i.change_op,
        i.epoch,
        i.position,
        i.kafka_partition,
        i.kafka_offset,
        i.changed_at,
        i.unavailable,
        i.old_customer_id,
        i.change_sk,
        i.origin_sk,
        i.full_name,
        i.email,
        i.phone,
        i.address_line,
        i.city,
        i.postal_code,
        i.country,
        i.birth_date,
        i.marketing_opt_in,
        i.gender,
        i.segment,
        i.marital_status,
        i.income_band,
        1 as _is_new
    from dim_customer_incoming as i
    inner join dim_customer_recomputed as r on i.customer_id = r.customer_id
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
    customer_id,
    change_identity,
    change_op,
    epoch,
    position,
    kafka_partition,
    kafka_offset,
    changed_at,
    unavailable,
    old_customer_id,
    change_sk,
    origin_sk,
    full_name,
    email,
    phone,
    address_line,
    city,
    postal_code,
    country,
    birth_date,
    marketing_opt_in,
    gender,
    segment,
    marital_status,
    income_band,
    _is_new,
    1 as _copy
from copies
where _is_again = 0
union all
select
    customer_id,
    change_identity,
    change_op,
    epoch,
    position,
    kafka_partition,
    kafka_offset,
    changed_at,
    unavailable,
    old_customer_id,
    change_sk,
    origin_sk,
    full_name,
    email,
    phone,
    address_line,
    city,
    postal_code,
    country,
    birth_date,
    marketing_opt_in,
    gender,
    segment,
    marital_status,
    income_band,
    _is_new,
    row_number() over (partition by change_identity order by kafka_partition, kafka_offset, _is_new) as _copy
from copies
where _is_again = 1;

drop table if exists dim_customer_superseded;

-- grain: one row per logged change that an earlier emission replaces
create temp table dim_customer_superseded as
select customer_id, change_identity
from dim_customer_merged
where _is_new = 0 and _copy > 1;

delete from staging.dim_customer_log
using dim_customer_superseded
where dim_customer_log.customer_id = dim_customer_superseded.customer_id
    and dim_customer_log.change_identity = dim_customer_superseded.change_identity;

insert into staging.dim_customer_log (
    customer_id,
    change_identity,
    change_op,
    epoch,
    position,
    kafka_partition,
    kafka_offset,
    changed_at,
    unavailable,
    old_customer_id,
    change_sk,
    origin_sk,
    full_name,
    email,
    phone,
    address_line,
    city,
    postal_code,
    country,
    birth_date,
    marketing_opt_in,
    gender,
    segment,
    marital_status,
    income_band
)
select
    customer_id,
    change_identity,
    change_op,
    epoch,
    position,
    kafka_partition,
    kafka_offset,
    changed_at,
    unavailable,
    old_customer_id,
    change_sk,
    origin_sk,
    full_name,
    email,
    phone,
    address_line,
    city,
    postal_code,
    country,
    birth_date,
    marketing_opt_in,
    gender,
    segment,
    marital_status,
    income_band
from dim_customer_merged
where _is_new = 1 and _copy = 1
union all
select
    i.customer_id,
    i.change_identity,
    i.change_op,
    i.epoch,
    i.position,
    i.kafka_partition,
    i.kafka_offset,
    i.changed_at,
    i.unavailable,
    i.old_customer_id,
    i.change_sk,
    i.origin_sk,
    i.full_name,
    i.email,
    i.phone,
    i.address_line,
    i.city,
    i.postal_code,
    i.country,
    i.birth_date,
    i.marketing_opt_in,
    i.gender,
    i.segment,
    i.marital_status,
    i.income_band
from dim_customer_incoming as i
inner join dim_customer_extended as e on i.customer_id = e.customer_id;
