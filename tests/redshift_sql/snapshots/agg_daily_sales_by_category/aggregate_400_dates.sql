-- The dates whose facts are others now.

drop table if exists agg_daily_sales_by_category_dates;

-- grain: one row per date to compute again
create temp table agg_daily_sales_by_category_dates as
with touched as (
    select ordered_at as _event_time from fact_sales_replaced
    union
    select ordered_at as _event_time from staging.fact_sales_load where is_deleted = false
    union
    select _event_time from fact_sales_customer_sk_rekeyed
    union
    select _event_time from fact_sales_product_sk_rekeyed
    union
    select f.ordered_at as _event_time from analytics.fact_sales as f inner join dim_product_recolored as v on f.product_sk = v._sk
)

select distinct cast(_event_time as date) as _date
from touched
where _event_time is not null;
