-- The mirror of a source table: its rows as they are, in its own columns.

-- grain: one row per key that the load at work touched: the row as it is now, or that it is gone
create table if not exists staging.order_load (
    order_id bigint,
    customer_id bigint,
    status varchar(32),
    ordered_at timestamp,
    shipped_at timestamp,
    channel varchar(32),
    currency varchar(3),
    shipping_fee decimal(10,2),
    note varchar(65535),
    updated_at timestamp,
    _changed_at timestamp,
    _is_deleted boolean
);

-- grain: one row per row of the source table
create table if not exists staging."order" (
    order_id bigint,
    customer_id bigint,
    status varchar(32),
    ordered_at timestamp,
    shipped_at timestamp,
    channel varchar(32),
    currency varchar(3),
    shipping_fee decimal(10,2),
    note varchar(65535),
    updated_at timestamp
)
diststyle key
distkey (order_id)
sortkey (order_id);
