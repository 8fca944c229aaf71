-- How did the customers that changed most change, version by version, and how many orders does each version have?
with changing as (
    select customer_id, count(*) as versions
    from dim_customer
    where customer_sk <> -1 and is_inferred = false
    group by customer_id
    having count(*) > 1 or count(effective_to) = count(*)
),

ranked as (
    select customer_id, row_number() over (order by versions desc, customer_id) as place
    from changing
),

orders as (
    select customer_sk, count(*) as orders
    from fact_orders
    group by customer_sk
)

select
    d.customer_id,
    d.effective_from,
    d.effective_to,
    d.is_deleted,
    d.segment,
    coalesce(o.orders, 0) as orders
from dim_customer as d
inner join ranked as r on d.customer_id = r.customer_id
left join orders as o on d.customer_sk = o.customer_sk
where r.place <= 10 and d.customer_sk <> -1
order by r.place, d.effective_from;
