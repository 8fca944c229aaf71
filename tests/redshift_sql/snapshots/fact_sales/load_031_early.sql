-- Load files of an earlier contract have the columns that it had: they go through a table of the same columns.
drop table if exists staging.fact_sales_early;

-- grain: as the load table
create table staging.fact_sales_early (
    order_id bigint, line_no integer, ordered_at timestamp, is_deleted boolean
);
