-- customer_sk of fact_orders is a member of dim_customer
select f.order_id
from fact_orders_customer_sk_checked as f
left join analytics.dim_customer as v on f._sk = v.customer_sk
where v.customer_sk is null;

-- customer_sk of fact_orders is unknown exactly while the reference or the event time is
select f.order_id
from fact_orders_customer_sk_checked as f
where (f._sk = -1 and f._event_time is not null and f._member_customer_id is not null)
    or (f._sk <> -1 and (f._event_time is null or f._member_customer_id is null));

-- customer_sk of fact_orders is the version of its member that started last at or before the event time, else the first one
select f.order_id
from fact_orders_customer_sk_checked as f
inner join analytics.dim_customer as v on f._member_customer_id = v.customer_id
where f._event_time is not null
group by f.order_id, f._sk, f._event_time
having coalesce(max(case when v.effective_from <= f._event_time then v.effective_from end), min(v.effective_from))
    <> coalesce(max(case when v.customer_sk = f._sk then v.effective_from end), timestamp '0001-01-01 00:00:00');
