-- A fact: its load rows, and the facts people ask.

-- grain: one row per fact that the load at work states anew
create table if not exists staging.fact_orders_load (
    order_id bigint,
    ordered_at timestamp,
    customer_id bigint,
    status varchar(32),
    channel varchar(32),
    currency varchar(3),
    shipped_at timestamp,
    shipping_fee decimal(10,2),
    customer_sk_origin_sk bigint,
    order_date_sk integer,
    ship_date_sk integer,
    is_deleted boolean
);

-- grain: one row per order
create table if not exists analytics.fact_orders (
    order_id bigint,
    customer_sk bigint,
    order_date_sk integer,
    ship_date_sk integer,
    ordered_at timestamp,
    customer_id bigint,
    status varchar(32),
    channel varchar(32),
    currency varchar(3),
    shipped_at timestamp,
    shipping_fee decimal(10,2)
)
diststyle key
distkey (order_id)
sortkey (ordered_at);
