-- The rows that product has now, without personal columns: a late-binding view is granted as a whole or not at all.
-- grain: one row per row of the source table
create view analytics.product_now as
select
    product_id,
    sku,
    name,
    description,
    category,
    subcategory,
    brand,
    list_price,
    weight_kg,
    active,
    attributes,
    launched_on,
    updated_at,
    is_streamed,
    streamed_at
from staging.product_now
with no schema binding;
