-- The touched facts as they stand in the warehouse.

drop table if exists fact_orders_customer_sk_checked;

-- grain: one row per loaded or re-keyed fact
create temp table fact_orders_customer_sk_checked as
select f.order_id, f.ordered_at as _event_time, f.customer_sk as _sk,
    f.customer_id as _member_customer_id
from analytics.fact_orders as f
inner join staging.fact_orders_load as n on f.order_id = n.order_id
union
select f.order_id, f.ordered_at as _event_time, f.customer_sk as _sk,
    f.customer_id as _member_customer_id
from analytics.fact_orders as f
inner join fact_orders_customer_sk_rekeyed as n on f.order_id = n.order_id;
