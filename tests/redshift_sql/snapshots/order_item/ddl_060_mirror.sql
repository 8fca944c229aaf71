-- The mirror of a source table: its rows as they are, in its own columns.

-- grain: one row per key that the load at work touched: the row as it is now, or that it is gone
create table if not exists staging.order_item_load (
    order_id bigint,
    line_no integer,
    product_id bigint,
    quantity integer,
    unit_price decimal(12,2),
    discount decimal(12,2),
    tax_rate decimal(5,4),
    updated_at timestamp,
    _changed_at timestamp,
    _is_deleted boolean
);

-- grain: one row per row of the source table
create table if not exists staging.order_item (
    order_id bigint,
    line_no integer,
    product_id bigint,
    quantity integer,
    unit_price decimal(12,2),
    discount decimal(12,2),
    tax_rate decimal(5,4),
    updated_at timestamp
)
diststyle key
distkey (order_id)
sortkey (order_id, line_no);
