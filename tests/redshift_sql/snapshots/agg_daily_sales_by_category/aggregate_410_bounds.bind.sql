-- From the first such date to the last: facts outside are not read.

select
    coalesce(cast(min(_date) as timestamp), timestamp '9999-12-31 00:00:00') as first_at,
    coalesce(cast(max(_date) as timestamp) + interval '1 day', timestamp '0001-01-01 00:00:00') as last_before
from agg_daily_sales_by_category_dates;
