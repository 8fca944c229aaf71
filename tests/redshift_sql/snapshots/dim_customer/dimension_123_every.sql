-- Every key of a load that holds the whole log, and every key that has a row, is computed again.

insert into dim_customer_recomputed (customer_id)
with every_key as (
    select i.customer_id
    from dim_customer_incoming as i
    union
    select v.customer_id
    from analytics.dim_customer as v
    where v.customer_sk <> -1
)

select e.customer_id
from every_key as e
left join dim_customer_recomputed as r on e.customer_id = r.customer_id
where r.customer_id is null;
