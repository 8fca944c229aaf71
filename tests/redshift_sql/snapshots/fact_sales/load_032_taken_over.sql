-- What the load table has beyond them stays NULL.
insert into staging.fact_sales_load (order_id, line_no, ordered_at, is_deleted)
select order_id, line_no, ordered_at, is_deleted
from staging.fact_sales_early;

drop table staging.fact_sales_early;
