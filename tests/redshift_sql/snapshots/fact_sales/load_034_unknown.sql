-- A reference that the load did not have leads to the unknown member until the fact is stated again.
update staging.fact_sales_load
set customer_sk_origin_sk = -1;

-- A reference that the load did not have leads to the unknown member until the fact is stated again.
update staging.fact_sales_load
set product_sk_origin_sk = -1;

-- A reference that the load did not have leads to the unknown member until the fact is stated again.
update staging.fact_sales_load
set date_sk = -1;
