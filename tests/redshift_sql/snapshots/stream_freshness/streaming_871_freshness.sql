-- How fresh each topic's view is: its newest record, its last refresh, and how old that may be before the alarm.
-- grain: one row per source table
create view staging.stream_freshness as
with views as (
    select
        cast('customer' as varchar(127)) as source,
        cast('customer_stream_v1' as varchar(127)) as mv_name,
        count(*) as records,
        max(kafka_timestamp) as newest_record_at
    from staging.customer_stream_v1
    union all
    select
        cast('order' as varchar(127)) as source,
        cast('order_stream_v1' as varchar(127)) as mv_name,
        count(*) as records,
        max(kafka_timestamp) as newest_record_at
    from staging.order_stream_v1
    union all
    select
        cast('order_item' as varchar(127)) as source,
        cast('order_item_stream_v1' as varchar(127)) as mv_name,
        count(*) as records,
        max(kafka_timestamp) as newest_record_at
    from staging.order_item_stream_v1
    union all
    select
        cast('product' as varchar(127)) as source,
        cast('product_stream_v1' as varchar(127)) as mv_name,
        count(*) as records,
        max(kafka_timestamp) as newest_record_at
    from staging.product_stream_v1
),

refreshed as (
    select
        trim(mv_name) as mv_name,
        max(end_time) as refreshed_at
    from sys_mv_refresh_history
    where schema_name = 'staging' and (status like 'Refresh successfully%' or status = 'MV was already updated')
    group by 1
)

select
    views.source,
    views.mv_name,
    views.records,
    views.newest_record_at,
    refreshed.refreshed_at,
    datediff(second, refreshed.refreshed_at, getdate()) as lag_seconds,
    180 as most_lag_seconds
from views
left join refreshed on views.mv_name = refreshed.mv_name
with no schema binding;
