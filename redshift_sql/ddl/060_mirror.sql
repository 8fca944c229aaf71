-- The mirror of a source table: its rows as they are, in its own columns.

-- grain: one row per key that the load at work touched: the row as it is now, or that it is gone
create table if not exists staging.{s}_load (
    {load: # #type}
);

-- grain: one row per row of the source table
create table if not exists staging.{s} (
    {column: # #type}
)
diststyle key
distkey ({distkey})
sortkey ({key: #});
