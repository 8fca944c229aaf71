-- A candidate that another fact refers to stays.

delete from dim_product_unneeded
using analytics.fact_sales as f
where dim_product_unneeded._sk = f.product_sk;
