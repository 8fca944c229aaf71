-- Load files of an earlier contract have the columns that it had: they go through a table of the same columns.
drop table if exists staging.{t}_early;

-- grain: as the load table
create table staging.{t}_early (
    {column: # #type}
);
