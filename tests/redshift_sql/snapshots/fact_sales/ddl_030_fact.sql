-- A fact: its load rows, and the facts people ask.

-- grain: one row per fact that the load at work states anew
create table if not exists staging.fact_sales_load (
    order_id bigint,
    line_no integer,
    ordered_at timestamp,
    customer_id bigint,
    product_id bigint,
    channel varchar(32),
    currency varchar(3),
    quantity integer,
    unit_price decimal(12,2),
    discount decimal(12,2),
    gross_amount decimal(18,2),
    net_amount decimal(18,2),
    tax_amount decimal(18,2),
    customer_sk_origin_sk bigint,
    product_sk_origin_sk bigint,
    date_sk integer,
    is_deleted boolean
);

-- grain: one row per order item
create table if not exists analytics.fact_sales (
    order_id bigint,
    line_no integer,
    customer_sk bigint,
    product_sk bigint,
    date_sk integer,
    ordered_at timestamp,
    customer_id bigint,
    product_id bigint,
    channel varchar(32),
    currency varchar(3),
    quantity integer,
    unit_price decimal(12,2),
    discount decimal(12,2),
    gross_amount decimal(18,2),
    net_amount decimal(18,2),
    tax_amount decimal(18,2)
)
diststyle key
distkey (order_id)
sortkey (ordered_at);
