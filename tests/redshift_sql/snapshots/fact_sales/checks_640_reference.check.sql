-- customer_sk of fact_sales is a member of dim_customer
select f.order_id, f.line_no
from fact_sales_customer_sk_checked as f
left join analytics.dim_customer as v on f._sk = v.customer_sk
where v.customer_sk is null;

-- customer_sk of fact_sales is unknown exactly while the reference or the event time is
select f.order_id, f.line_no
from fact_sales_customer_sk_checked as f
where (f._sk = -1 and f._event_time is not null and f._member_customer_id is not null)
    or (f._sk <> -1 and (f._event_time is null or f._member_customer_id is null));

-- customer_sk of fact_sales is the version of its member that started last at or before the event time, else the first one
select f.order_id, f.line_no
from fact_sales_customer_sk_checked as f
inner join analytics.dim_customer as v on f._member_customer_id = v.customer_id
where f._event_time is not null
group by f.order_id, f.line_no, f._sk, f._event_time
having coalesce(max(case when v.effective_from <= f._event_time then v.effective_from end), min(v.effective_from))
    <> coalesce(max(case when v.customer_sk = f._sk then v.effective_from end), timestamp '0001-01-01 00:00:00');

-- product_sk of fact_sales is a member of dim_product
select f.order_id, f.line_no
from fact_sales_product_sk_checked as f
left join analytics.dim_product as v on f._sk = v.product_sk
where v.product_sk is null;

-- product_sk of fact_sales is unknown exactly while the reference or the event time is
select f.order_id, f.line_no
from fact_sales_product_sk_checked as f
where (f._sk = -1 and f._event_time is not null and f._member_product_id is not null)
    or (f._sk <> -1 and (f._event_time is null or f._member_product_id is null));

-- product_sk of fact_sales is the version of its member that started last at or before the event time, else the first one
select f.order_id, f.line_no
from fact_sales_product_sk_checked as f
inner join analytics.dim_product as v on f._member_product_id = v.product_id
where f._event_time is not null
group by f.order_id, f.line_no, f._sk, f._event_time
having coalesce(max(case when v.effective_from <= f._event_time then v.effective_from end), min(v.effective_from))
    <> coalesce(max(case when v.product_sk = f._sk then v.effective_from end), timestamp '0001-01-01 00:00:00');
