-- Every key that the log knows is computed again.

insert into dim_customer_recomputed (customer_id)
select distinct l.customer_id
from staging.dim_customer_log as l
left join dim_customer_recomputed as r on l.customer_id = r.customer_id
where r.customer_id is null;
