-- grain: one row per day and category
create table if not exists analytics.agg_daily_sales_by_category (
    sales_date date,
    category varchar(100),
    lines bigint,
    orders bigint,
    units bigint,
    net_amount decimal(38,2)
)
diststyle all
sortkey (sales_date);
