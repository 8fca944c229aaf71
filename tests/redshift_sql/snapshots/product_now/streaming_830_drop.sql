-- Views are made anew in one transaction, those that read others gone first.
drop view if exists analytics.product_now;

-- Views are made anew in one transaction, those that read others gone first.
drop view if exists staging.product_now;
