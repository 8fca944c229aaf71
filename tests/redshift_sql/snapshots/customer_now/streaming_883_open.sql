-- The rows that customer has now, without personal columns: a late-binding view is granted as a whole or not at all.
-- grain: one row per row of the source table
create view analytics.customer_now as
select
    customer_id, country, segment, marketing_opt_in, created_at, updated_at,
    is_streamed,
    streamed_at
from staging.customer_now
with no schema binding;
