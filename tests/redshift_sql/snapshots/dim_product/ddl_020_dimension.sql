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

-- grain: one row per change of a row, kept for ever: history can be computed again from it
create table if not exists staging.dim_product_log (
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
)
diststyle key
distkey (product_id)
sortkey (product_id);

-- grain: one row per truncate of the source table, kept for ever
create table if not exists staging.dim_product_truncate (
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
)
diststyle all;

-- grain: one row per key: how far its log is known, and its state there
create table if not exists staging.dim_product_tip (
    product_id bigint,
    _last_epoch integer,
    _last_position varchar(64),
    _last_partition integer,
    _last_offset bigint,
    _last_at timestamp,
    _state varchar(8),
    _open_sk bigint,
    _open_from timestamp,
    _open_identity varchar(32),
    _origin_sk bigint,
    _unknown varchar(4096),
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
)
diststyle key
distkey (product_id)
sortkey (product_id);

-- grain: one row per product and version
create table if not exists analytics.dim_product (
    product_sk bigint,
    product_id bigint,
    sku varchar(64),
    product_name varchar(400),
    description varchar(65535),
    brand varchar(100),
    list_price decimal(12,2),
    weight_kg decimal(10,3),
    active boolean,
    launched_on date,
    category varchar(100),
    subcategory varchar(100),
    effective_from timestamp,
    effective_to timestamp,
    is_current boolean,
    is_deleted boolean,
    is_inferred boolean,
    is_incomplete boolean,
    version_identity varchar(32)
)
diststyle all
sortkey (product_id, effective_from);

-- The unknown member, for facts without a reference.
insert into analytics.dim_product (product_sk, effective_from, is_current, is_deleted, is_inferred, is_incomplete, version_identity)
select -1, timestamp '1900-01-01 00:00:00', true, false, false, false, 'unknown'
where not exists (select 1 from analytics.dim_product where product_sk = -1);
