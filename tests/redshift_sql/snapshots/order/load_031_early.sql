-- Load files of an earlier contract have the columns that it had: they go through a table of the same columns.
drop table if exists staging.order_early;

-- grain: as the load table
create table staging.order_early (
    order_id bigint, _changed_at timestamp, _is_deleted boolean
);
