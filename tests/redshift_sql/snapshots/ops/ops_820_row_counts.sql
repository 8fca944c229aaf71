drop view if exists ops.row_counts;

-- grain: one row per table of the star, and per mirror and change log in staging
create view ops.row_counts as
select 'analytics' as schema_name, 'dim_customer' as table_name, count(*) as row_count from analytics.dim_customer
union all
select 'analytics' as schema_name, 'dim_product' as table_name, count(*) as row_count from analytics.dim_product
union all
select 'analytics' as schema_name, 'dim_date' as table_name, count(*) as row_count from analytics.dim_date
union all
select 'analytics' as schema_name, 'fact_orders' as table_name, count(*) as row_count from analytics.fact_orders
union all
select 'analytics' as schema_name, 'fact_sales' as table_name, count(*) as row_count from analytics.fact_sales
union all
select 'analytics' as schema_name, 'agg_daily_sales_by_category' as table_name, count(*) as row_count from analytics.agg_daily_sales_by_category
union all
select 'staging' as schema_name, 'customer' as table_name, count(*) as row_count from staging.customer
union all
select 'staging' as schema_name, 'order' as table_name, count(*) as row_count from staging."order"
union all
select 'staging' as schema_name, 'order_item' as table_name, count(*) as row_count from staging.order_item
union all
select 'staging' as schema_name, 'product' as table_name, count(*) as row_count from staging.product
union all
select 'staging' as schema_name, 'dim_customer_log' as table_name, count(*) as row_count from staging.dim_customer_log
union all
select 'staging' as schema_name, 'dim_product_log' as table_name, count(*) as row_count from staging.dim_product_log
with no schema binding;
