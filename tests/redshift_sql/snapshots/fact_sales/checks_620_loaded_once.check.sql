-- a load of fact_sales states a fact at most once
select order_id, line_no
from staging.fact_sales_load
group by order_id, line_no
having count(*) > 1;
