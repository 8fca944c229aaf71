-- How fresh each topic's view is: its newest record, its last refresh, and how old that may be before the alarm.
-- grain: one row per source table
create view staging.stream_freshness as
with views as (
    {selects}
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
    {lag_seconds} as most_lag_seconds
from views
left join refreshed on views.mv_name = refreshed.mv_name
with no schema binding;
