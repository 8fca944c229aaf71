-- versions of a key of dim_customer do not overlap
select customer_id
from dim_customer_checked
where _next_from < coalesce(effective_to, timestamp '9999-12-31 00:00:00');

-- no version of dim_customer is empty
select customer_id
from dim_customer_checked
where effective_to <= effective_from;

-- a version of dim_customer is current exactly while it is open
select customer_id
from dim_customer_checked
where is_current <> case when effective_to is null then true else false end;

-- at most one version of a key of dim_customer is current
select customer_id
from dim_customer_checked
where is_current = true
group by customer_id
having count(*) > 1;

-- a surrogate key of dim_customer stands for one version
select v.customer_sk
from analytics.dim_customer as v
inner join dim_customer_checked as c on v.customer_sk = c._sk
group by v.customer_sk
having count(*) > 1;
