-- Every key that the log knows is computed again.

insert into dim_product_recomputed (product_id)
select distinct l.product_id
from staging.dim_product_log as l
left join dim_product_recomputed as r on l.product_id = r.product_id
where r.product_id is null;
