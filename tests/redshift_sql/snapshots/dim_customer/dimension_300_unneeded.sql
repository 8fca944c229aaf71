-- An inferred member exists exactly as long as a live fact needs it: those that lost a fact are candidates.

drop table if exists dim_customer_unneeded;

-- grain: one row per inferred member that a replaced fact referred to
create temp table dim_customer_unneeded as
with lost as (
    select customer_sk as _sk from fact_orders_replaced
    union
    select customer_sk as _sk from fact_sales_replaced
)

select distinct v.customer_sk as _sk
from analytics.dim_customer as v
inner join lost on v.customer_sk = lost._sk
where v.is_inferred = true;
