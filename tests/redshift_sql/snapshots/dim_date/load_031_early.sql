-- Load files of an earlier contract have the columns that it had: they go through a table of the same columns.
drop table if exists staging.dim_date_early;

-- grain: as the load table
create table staging.dim_date_early (
    date_sk integer, date date
);
