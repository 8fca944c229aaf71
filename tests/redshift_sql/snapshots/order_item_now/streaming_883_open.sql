-- The rows that order_item has now, without personal columns: a late-binding view is granted as a whole or not at all.
-- grain: one row per row of the source table
create view analytics.order_item_now as
select
    order_id, line_no, product_id, quantity, unit_price, discount, tax_rate, updated_at,
    is_streamed,
    streamed_at
from staging.order_item_now
with no schema binding;
