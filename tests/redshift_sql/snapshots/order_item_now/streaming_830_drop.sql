-- Views are made anew in one transaction, those that read others gone first.
drop view if exists analytics.order_item_now;

-- Views are made anew in one transaction, those that read others gone first.
drop view if exists staging.order_item_now;
