grant select on staging.order_item_now to role lake_analyst;

grant select on staging.order_item_now to role lake_steward;

grant select on analytics.order_item_now to role lake_analyst;

grant select on analytics.order_item_now to role lake_steward;
