-- A load row is its fact's state: the fact's present row makes way.

drop table if exists fact_orders_replaced;

-- grain: one row per fact that this load states anew
create temp table fact_orders_replaced as
select
    f.order_id,
    f.customer_sk,
    f.order_date_sk,
    f.ship_date_sk,
    f.ordered_at,
    f.customer_id,
    f.status,
    f.channel,
    f.currency,
    f.shipped_at,
    f.shipping_fee
from analytics.fact_orders as f
inner join staging.fact_orders_load as l on f.order_id = l.order_id;

delete from analytics.fact_orders
using fact_orders_replaced as r
where fact_orders.order_id = r.order_id;
