-- Keys that a key change links with a key to be computed again are computed again too; repeated until no key is added.

insert into dim_customer_recomputed (customer_id)
with linked as (
    select l.old_customer_id as customer_id
    from dim_customer_links as l
    inner join dim_customer_recomputed as r on l.customer_id = r.customer_id
    union
    select l.customer_id
    from dim_customer_links as l
    inner join dim_customer_recomputed as r on l.old_customer_id = r.customer_id
)

select linked.customer_id
from linked
left join dim_customer_recomputed as r on linked.customer_id = r.customer_id
where r.customer_id is null;
