-- Load files of an earlier contract have the columns that it had: they go through a table of the same columns.
drop table if exists staging.order_item_early;

-- grain: as the load table
create table staging.order_item_early (
    order_id bigint, line_no integer, _changed_at timestamp, _is_deleted boolean
);
