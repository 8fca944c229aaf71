-- staging.dim_product_load takes other columns: brand.
-- staging.dim_product_log gets brand varchar(100).
-- staging.dim_product_tip gets brand varchar(100).
-- analytics.dim_product gets brand varchar(100).
-- analytics.fact_orders status grows from varchar(8) to varchar(32).
-- analytics.fact_orders gets ship_date_sk integer.
-- analytics.fact_sales loses coupon; quantity grows from smallint to integer.
-- analytics.agg_daily_sales_by_category is grouped again: units.
-- lake: destructive
-- lake: then refill agg_daily_sales_by_category

-- It holds nothing that is not elsewhere: load rows, which COPY takes by position; an aggregate; a mirror.
drop table if exists staging.dim_product_load;

-- A dimension: its load rows, permanent change log, truncates, tips, and the versions people ask.

-- grain: one row per change of the load at work
create table if not exists staging.dim_product_load (
    product_id bigint,
    change_identity varchar(32),
    change_op varchar(1),
    epoch integer,
    position varchar(64),
    kafka_partition integer,
    kafka_offset bigint,
    changed_at timestamp,
    unavailable varchar(4096),
    old_product_id bigint,
    change_sk bigint,
    origin_sk bigint,
    sku varchar(64),
    product_name varchar(400),
    description varchar(65535),
    brand varchar(100),
    list_price decimal(12,2),
    weight_kg decimal(10,3),
    active boolean,
    launched_on date,
    category varchar(100),
    subcategory varchar(100)
);

-- Redshift adds one column a statement, at the table's end.
alter table staging.dim_product_log add column brand varchar(100);

-- Redshift adds one column a statement, at the table's end.
alter table staging.dim_product_tip add column brand varchar(100);

-- Redshift adds one column a statement, at the table's end.
alter table analytics.dim_product add column brand varchar(100);

-- No change in the log gave the attribute that was added: it is unknown until one does.
update staging.dim_product_log
set unavailable = case when unavailable = '' then ',' else unavailable end || 'brand,'
where change_op in ('c', 'u', 'r');

update staging.dim_product_tip
set _unknown = case when _unknown = '' then ',' else _unknown end || 'brand,'
where _unknown is not null;

update analytics.dim_product
set is_incomplete = true
where product_sk <> -1 and is_inferred = false;

-- lake: outside a transaction
alter table analytics.fact_orders alter column status type varchar(32);

-- Redshift adds one column a statement, at the table's end.
alter table analytics.fact_orders add column ship_date_sk integer;

-- A fact refers to the unknown member until it is stated again.
update analytics.fact_orders
set ship_date_sk = -1;

-- The table is made anew with its contract's columns and storage, and takes its rows over; a value that does not fit
-- ends the migration.
alter table analytics.fact_sales rename to fact_sales_replaced;

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

insert into analytics.fact_sales (
    order_id,
    line_no,
    customer_sk,
    product_sk,
    date_sk,
    ordered_at,
    customer_id,
    product_id,
    channel,
    currency,
    quantity,
    unit_price,
    discount,
    gross_amount,
    net_amount,
    tax_amount
)
select
    order_id,
    line_no,
    customer_sk,
    product_sk,
    date_sk,
    ordered_at,
    customer_id,
    product_id,
    channel,
    currency,
    quantity,
    unit_price,
    discount,
    gross_amount,
    net_amount,
    tax_amount
from analytics.fact_sales_replaced;

drop table analytics.fact_sales_replaced;

-- It holds nothing that is not elsewhere: load rows, which COPY takes by position; an aggregate; a mirror.
drop table if exists analytics.agg_daily_sales_by_category;

-- grain: one row per day and category
create table if not exists analytics.agg_daily_sales_by_category (
    sales_date date,
    category varchar(100),
    lines bigint,
    orders bigint,
    units bigint,
    net_amount decimal(38,2)
)
diststyle all
sortkey (sales_date);
