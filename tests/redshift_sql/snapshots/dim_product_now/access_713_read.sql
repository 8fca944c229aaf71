grant select on analytics.dim_product_now to role lake_analyst;

grant select on analytics.dim_product_now to role lake_steward;
