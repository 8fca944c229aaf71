-- What the load table has beyond them stays NULL.
insert into staging.dim_product_load (
    product_id,
    change_identity,
    change_op,
    epoch,
    position,
    kafka_partition,
    kafka_offset,
    changed_at,
    unavailable,
    old_product_id,
    change_sk,
    origin_sk)
select
    product_id,
    change_identity,
    change_op,
    epoch,
    position,
    kafka_partition,
    kafka_offset,
    changed_at,
    unavailable,
    old_product_id,
    change_sk,
    origin_sk
from staging.dim_product_early;

drop table staging.dim_product_early;
