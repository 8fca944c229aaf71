grant select on staging.product_now to role lake_analyst;

grant select on staging.product_now to role lake_steward;

grant select on analytics.product_now to role lake_analyst;

grant select on analytics.product_now to role lake_steward;
