-- The event times in which versions of dim_customer moved, over all keys: what lies outside is not read.

select
    coalesce(min(_moved_from), timestamp '9999-12-31 00:00:00') as moved_from,
    coalesce(max(_moved_to), timestamp '0001-01-01 00:00:00') as moved_to
from dim_customer_moves;

-- The event times in which versions of dim_product moved, over all keys: what lies outside is not read.

select
    coalesce(min(_moved_from), timestamp '9999-12-31 00:00:00') as moved_from,
    coalesce(max(_moved_to), timestamp '0001-01-01 00:00:00') as moved_to
from dim_product_moves;
