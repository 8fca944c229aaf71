-- Keys that a key change links with a key to be computed again are computed again too; repeated until no key is added.

insert into dim_product_recomputed (product_id)
with linked as (
    select l.old_product_id as product_id
    from dim_product_links as l
    inner join dim_product_recomputed as r on l.product_id = r.product_id
    union
    select l.product_id
    from dim_product_links as l
    inner join dim_product_recomputed as r on l.old_product_id = r.product_id
)

select linked.product_id
from linked
left join dim_product_recomputed as r on linked.product_id = r.product_id
where r.product_id is null;
