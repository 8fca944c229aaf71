-- What the load table has beyond them stays NULL.
insert into staging.dim_customer_load (
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
    origin_sk)
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
    origin_sk
from staging.dim_customer_early;

drop table staging.dim_customer_early;
