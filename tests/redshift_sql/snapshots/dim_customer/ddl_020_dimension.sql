-- A dimension: its load rows, permanent change log, truncates, tips, and the versions people ask.

-- grain: one row per change of the load at work
create table if not exists staging.dim_customer_load (
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
    origin_sk bigint,
    full_name varchar(400),
    email varchar(320),
    phone varchar(64),
    address_line varchar(400),
    city varchar(200),
    postal_code varchar(32),
    country varchar(2),
    birth_date date,
    marketing_opt_in boolean,
    gender varchar(32),
    segment varchar(32),
    marital_status varchar(32),
    income_band varchar(32)
);

-- grain: one row per change of a row, kept for ever: history can be computed again from it
create table if not exists staging.dim_customer_log (
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
    origin_sk bigint,
    full_name varchar(400),
    email varchar(320),
    phone varchar(64),
    address_line varchar(400),
    city varchar(200),
    postal_code varchar(32),
    country varchar(2),
    birth_date date,
    marketing_opt_in boolean,
    gender varchar(32),
    segment varchar(32),
    marital_status varchar(32),
    income_band varchar(32)
)
diststyle key
distkey (customer_id)
sortkey (customer_id);

-- grain: one row per truncate of the source table, kept for ever
create table if not exists staging.dim_customer_truncate (
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
    origin_sk bigint,
    full_name varchar(400),
    email varchar(320),
    phone varchar(64),
    address_line varchar(400),
    city varchar(200),
    postal_code varchar(32),
    country varchar(2),
    birth_date date,
    marketing_opt_in boolean,
    gender varchar(32),
    segment varchar(32),
    marital_status varchar(32),
    income_band varchar(32)
)
diststyle all;

-- grain: one row per key: how far its log is known, and its state there
create table if not exists staging.dim_customer_tip (
    customer_id bigint,
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
    full_name varchar(400),
    email varchar(320),
    phone varchar(64),
    address_line varchar(400),
    city varchar(200),
    postal_code varchar(32),
    country varchar(2),
    birth_date date,
    marketing_opt_in boolean,
    gender varchar(32),
    segment varchar(32),
    marital_status varchar(32),
    income_band varchar(32)
)
diststyle key
distkey (customer_id)
sortkey (customer_id);

-- grain: one row per customer and version
create table if not exists analytics.dim_customer (
    customer_sk bigint,
    customer_id bigint,
    full_name varchar(400),
    email varchar(320),
    phone varchar(64),
    address_line varchar(400),
    city varchar(200),
    postal_code varchar(32),
    country varchar(2),
    birth_date date,
    marketing_opt_in boolean,
    gender varchar(32),
    segment varchar(32),
    marital_status varchar(32),
    income_band varchar(32),
    effective_from timestamp,
    effective_to timestamp,
    is_current boolean,
    is_deleted boolean,
    is_inferred boolean,
    is_incomplete boolean,
    version_identity varchar(32)
)
diststyle all
sortkey (customer_id, effective_from);

-- The unknown member, for facts without a reference.
insert into analytics.dim_customer (customer_sk, effective_from, is_current, is_deleted, is_inferred, is_incomplete, version_identity)
select -1, timestamp '1900-01-01 00:00:00', true, false, false, false, 'unknown'
where not exists (select 1 from analytics.dim_customer where customer_sk = -1);
