-- Load files of an earlier contract have the columns that it had: they go through a table of the same columns.
drop table if exists staging.dim_customer_early;

-- grain: as the load table
create table staging.dim_customer_early (
    customer_id bigint,
    change_identity varchar(32),
    change_op varchar(1),
    epoch integer,
    position varchar(64),
    kafka_partition integer,
    kafka_offset bigint,
    changed_at timestamp,
    unavailable varchar(4096),
    old_customer_id bigint,
    change_sk bigint,
    origin_sk bigint
);
