-- versions of a key of dim_product do not overlap
select product_id
from dim_product_checked
where _next_from < coalesce(effective_to, timestamp '9999-12-31 00:00:00');

-- no version of dim_product is empty
select product_id
from dim_product_checked
where effective_to <= effective_from;

-- a version of dim_product is current exactly while it is open
select product_id
from dim_product_checked
where is_current <> case when effective_to is null then true else false end;

-- at most one version of a key of dim_product is current
select product_id
from dim_product_checked
where is_current = true
group by product_id
having count(*) > 1;

-- a surrogate key of dim_product stands for one version
select v.product_sk
from analytics.dim_product as v
inner join dim_product_checked as c on v.product_sk = c._sk
group by v.product_sk
having count(*) > 1;
