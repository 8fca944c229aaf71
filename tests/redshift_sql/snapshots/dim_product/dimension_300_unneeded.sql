-- An inferred member exists exactly as long as a live fact needs it: those that lost a fact are candidates.

drop table if exists dim_product_unneeded;

-- grain: one row per inferred member that a replaced fact referred to
create temp table dim_product_unneeded as
with lost as (
    select product_sk as _sk from fact_sales_replaced
)

select distinct v.product_sk as _sk
from analytics.dim_product as v
inner join lost on v.product_sk = lost._sk
where v.is_inferred = true;
