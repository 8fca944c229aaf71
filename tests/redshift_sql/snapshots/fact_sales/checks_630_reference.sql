-- The touched facts as they stand in the warehouse.

drop table if exists fact_sales_customer_sk_checked;

-- grain: one row per loaded or re-keyed fact
create temp table fact_sales_customer_sk_checked as
select f.order_id, f.line_no, f.ordered_at as _event_time, f.customer_sk as _sk,
    f.customer_id as _member_customer_id
from analytics.fact_sales as f
inner join staging.fact_sales_load as n on f.order_id = n.order_id and f.line_no = n.line_no
union
select f.order_id, f.line_no, f.ordered_at as _event_time, f.customer_sk as _sk,
    f.customer_id as _member_customer_id
from analytics.fact_sales as f
inner join fact_sales_customer_sk_rekeyed as n on f.order_id = n.order_id and f.line_no = n.line_no;

-- The touched facts as they stand in the warehouse.

drop table if exists fact_sales_product_sk_checked;

-- grain: one row per loaded or re-keyed fact
create temp table fact_sales_product_sk_checked as
select f.order_id, f.line_no, f.ordered_at as _event_time, f.product_sk as _sk,
    f.product_id as _member_product_id
from analytics.fact_sales as f
inner join staging.fact_sales_load as n on f.order_id = n.order_id and f.line_no = n.line_no
union
select f.order_id, f.line_no, f.ordered_at as _event_time, f.product_sk as _sk,
    f.product_id as _member_product_id
from analytics.fact_sales as f
inner join fact_sales_product_sk_rekeyed as n on f.order_id = n.order_id and f.line_no = n.line_no;
