-- A candidate that another fact refers to stays.

delete from dim_customer_unneeded
using analytics.fact_orders as f
where dim_customer_unneeded._sk = f.customer_sk;

-- A candidate that another fact refers to stays.

delete from dim_customer_unneeded
using analytics.fact_sales as f
where dim_customer_unneeded._sk = f.customer_sk;
