-- The touched keys' versions as they stand in the warehouse.

drop table if exists dim_customer_checked;

-- grain: one row per version of a touched key
create temp table dim_customer_checked as
with touched as (
    select customer_id from dim_customer_extended
    union all
    select customer_id from dim_customer_recomputed
)

select
    v.customer_id,
    v.customer_sk as _sk,
    v.effective_from,
    v.effective_to,
    v.is_current,
    lead(v.effective_from) over (partition by v.customer_id order by v.effective_from) as _next_from
from analytics.dim_customer as v
inner join touched as t on v.customer_id = t.customer_id;
