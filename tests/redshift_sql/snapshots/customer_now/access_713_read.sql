grant select on staging.customer_now to role lake_steward;

grant select on analytics.customer_now to role lake_analyst;

grant select on analytics.customer_now to role lake_steward;
