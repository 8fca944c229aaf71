grant select on analytics.dim_customer_now to role lake_steward;
