-- What the load table has beyond them stays NULL.
insert into staging.fact_orders_load (order_id, ordered_at, is_deleted)
select order_id, ordered_at, is_deleted
from staging.fact_orders_early;

drop table staging.fact_orders_early;
