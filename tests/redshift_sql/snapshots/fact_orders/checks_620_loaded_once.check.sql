-- a load of fact_orders states a fact at most once
select order_id
from staging.fact_orders_load
group by order_id
having count(*) > 1;
