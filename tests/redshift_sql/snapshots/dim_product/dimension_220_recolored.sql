-- Versions that stay and show other values in attributes that aggregates group by.

drop table if exists dim_product_recolored;

-- grain: one row per such version
create temp table dim_product_recolored as
select a.product_sk as _sk
from dim_product_after as a
inner join dim_product_before as b on a.product_sk = b.product_sk
where case when a.category = b.category or (a.category is null and b.category is null) then 0 else 1 end = 1;
