-- The mirror of a source table: its rows as they are, in its own columns.

-- grain: one row per key that the load at work touched: the row as it is now, or that it is gone
create table if not exists staging.product_load (
    product_id bigint,
    sku varchar(64),
    name varchar(400),
    description varchar(65535),
    category varchar(100),
    subcategory varchar(100),
    brand varchar(100),
    list_price decimal(12,2),
    weight_kg decimal(10,3),
    active boolean,
    attributes varchar(65535),
    launched_on date,
    updated_at timestamp,
    _changed_at timestamp,
    _is_deleted boolean
);

-- grain: one row per row of the source table
create table if not exists staging.product (
    product_id bigint,
    sku varchar(64),
    name varchar(400),
    description varchar(65535),
    category varchar(100),
    subcategory varchar(100),
    brand varchar(100),
    list_price decimal(12,2),
    weight_kg decimal(10,3),
    active boolean,
    attributes varchar(65535),
    launched_on date,
    updated_at timestamp
)
diststyle key
distkey (product_id)
sortkey (product_id);
