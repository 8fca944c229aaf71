-- A load row is its fact's state: the fact's present row makes way.

drop table if exists fact_sales_replaced;

-- grain: one row per fact that this load states anew
create temp table fact_sales_replaced as
select
    f.order_id,
    f.line_no,
    f.customer_sk,
    f.product_sk,
    f.date_sk,
    f.ordered_at,
    f.customer_id,
    f.product_id,
    f.channel,
    f.currency,
    f.quantity,
    f.unit_price,
    f.discount,
    f.gross_amount,
    f.net_amount,
    f.tax_amount
from analytics.fact_sales as f
inner join staging.fact_sales_load as l on f.order_id = l.order_id and f.line_no = l.line_no;

delete from analytics.fact_sales
using fact_sales_replaced as r
where fact_sales.order_id = r.order_id and fact_sales.line_no = r.line_no;
