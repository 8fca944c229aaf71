-- The touched keys' versions as they stand in the warehouse.

drop table if exists dim_product_checked;

-- grain: one row per version of a touched key
create temp table dim_product_checked as
with touched as (
    select product_id from dim_product_extended
    union all
    select product_id from dim_product_recomputed
)

select
    v.product_id,
    v.product_sk as _sk,
    v.effective_from,
    v.effective_to,
    v.is_current,
    lead(v.effective_from) over (partition by v.product_id order by v.effective_from) as _next_from
from analytics.dim_product as v
inner join touched as t on v.product_id = t.product_id;
