-- Every key of a load that holds the whole log, and every key that has a row, is computed again.

insert into dim_product_recomputed (product_id)
with every_key as (
    select i.product_id
    from dim_product_incoming as i
    union
    select v.product_id
    from analytics.dim_product as v
    where v.product_sk <> -1
)

select e.product_id
from every_key as e
left join dim_product_recomputed as r on e.product_id = r.product_id
where r.product_id is null;
