-- The rows that order has now, without personal columns: a late-binding view is granted as a whole or not at all.
-- grain: one row per row of the source table
create view analytics.order_now as
select
    order_id, customer_id, status, ordered_at, shipped_at, channel, currency, shipping_fee, updated_at,
    is_streamed,
    streamed_at
from staging.order_now
with no schema binding;
