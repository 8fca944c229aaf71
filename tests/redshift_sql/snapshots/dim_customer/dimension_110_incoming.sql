-- The changes of this load, each once: the log keeps a change at its earliest Kafka coordinates.

drop table if exists dim_customer_incoming;

-- grain: one row per change of this load (truncates apart)
create temp table dim_customer_incoming as
with repeated as (
    select change_identity
    from staging.dim_customer_load
    where change_op <> 't'
    group by change_identity
    having count(*) > 1
),

copies as (
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
        row_number() over (partition by l.change_identity order by l.kafka_partition, l.kafka_offset) as _copy
    from staging.dim_customer_load as l
    inner join repeated as r on l.change_identity = r.change_identity
)

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
    l.income_band
from staging.dim_customer_load as l
left join repeated as r on l.change_identity = r.change_identity
where l.change_op <> 't' and r.change_identity is null
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
    income_band
from copies
where _copy = 1;

drop table if exists dim_customer_new_truncates;

-- grain: one row per truncate that the log does not hold, or holds at later Kafka coordinates
create temp table dim_customer_new_truncates as
with loaded as (
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
        row_number() over (partition by change_identity order by kafka_partition, kafka_offset) as _copy
    from staging.dim_customer_load
    where change_op = 't'
)

select
    loaded.customer_id,
    loaded.change_identity,
    loaded.change_op,
    loaded.epoch,
    loaded.position,
    loaded.kafka_partition,
    loaded.kafka_offset,
    loaded.changed_at,
    loaded.unavailable,
    loaded.old_customer_id,
    loaded.change_sk,
    loaded.origin_sk,
    loaded.full_name,
    loaded.email,
    loaded.phone,
    loaded.address_line,
    loaded.city,
    loaded.postal_code,
    loaded.country,
    loaded.birth_date,
    loaded.marketing_opt_in,
    loaded.gender,
    loaded.segment,
    loaded.marital_status,
    loaded.income_band
from loaded
left join staging.dim_customer_truncate as known on loaded.change_identity = known.change_identity
where loaded._copy = 1
    and (
        known.change_identity is null
        or loaded.kafka_partition < known.kafka_partition
        or (loaded.kafka_partition = known.kafka_partition and loaded.kafka_offset < known.kafka_offset)
    );

delete from staging.dim_customer_truncate
using dim_customer_new_truncates
where dim_customer_truncate.change_identity = dim_customer_new_truncates.change_identity;

insert into staging.dim_customer_truncate (
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
from dim_customer_new_truncates;
