-- The mirror of a source table: its rows as they are, in its own columns.

-- grain: one row per key that the load at work touched: the row as it is now, or that it is gone
create table if not exists staging.customer_load (
    customer_id bigint,
    customer_uuid varchar(36),
    full_name varchar(400),
    email varchar(320),
    phone varchar(64),
    address_line varchar(400),
    city varchar(200),
    postal_code varchar(32),
    country varchar(2),
    birth_date date,
    gender varchar(32),
    segment varchar(32),
    marital_status varchar(32),
    income_band varchar(32),
    marketing_opt_in boolean,
    preferences varchar(65535),
    created_at timestamp,
    updated_at timestamp,
    _changed_at timestamp,
    _is_deleted boolean
);

-- grain: one row per row of the source table
create table if not exists staging.customer (
    customer_id bigint,
    customer_uuid varchar(36),
    full_name varchar(400),
    email varchar(320),
    phone varchar(64),
    address_line varchar(400),
    city varchar(200),
    postal_code varchar(32),
    country varchar(2),
    birth_date date,
    gender varchar(32),
    segment varchar(32),
    marital_status varchar(32),
    income_band varchar(32),
    marketing_opt_in boolean,
    preferences varchar(65535),
    created_at timestamp,
    updated_at timestamp
)
diststyle key
distkey (customer_id)
sortkey (customer_id);
