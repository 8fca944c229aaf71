-- What an operator asks about loads: written by each load, in its transaction.

create schema if not exists ops;

-- grain: one row per load that is in the warehouse
create table if not exists ops.load_run (
    load_seq bigint not null,
    attempt varchar(64) not null,
    started_at timestamp not null,
    finished_at timestamp not null
)
diststyle all
sortkey (load_seq);

-- grain: one row per load and table that it brought rows of
create table if not exists ops.load_rows (
    load_seq bigint not null,
    table_name varchar(127) not null,
    rows_loaded bigint not null
)
diststyle all
sortkey (load_seq);

-- grain: one row per source table that a load brought changes of
create table if not exists ops.newest_change (
    source_table varchar(127) not null,
    changed_at timestamp not null,
    load_seq bigint not null
)
diststyle all;
