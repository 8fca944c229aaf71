-- The rows that {s} has now, without personal columns: a late-binding view is granted as a whole or not at all.
-- grain: one row per row of the source table
create view analytics.{s}_now as
select
    {open: #},
    is_streamed,
    streamed_at
from staging.{s}_now
with no schema binding;
