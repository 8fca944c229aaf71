create role lake_loader;

create role lake_analyst;

create role lake_steward;

-- The loader writes what loads and migrations write, and may read nothing else.
grant usage, create on schema staging to role lake_loader;

grant usage, create on schema analytics to role lake_loader;

grant usage, create on schema ops to role lake_loader;

grant usage on schema analytics to role lake_analyst;

grant usage on schema analytics to role lake_steward;

grant usage on schema staging to role lake_analyst;

grant usage on schema staging to role lake_steward;

grant usage on schema ops to role lake_analyst;

grant usage on schema ops to role lake_steward;

grant select, insert, update, delete on analytics.dim_customer to role lake_loader;

-- What was granted before may be more than the contract's classes allow now.
revoke select on analytics.dim_customer from role lake_analyst;

revoke select (
    customer_sk,
    customer_id,
    full_name,
    email,
    phone,
    address_line,
    city,
    postal_code,
    country,
    birth_date,
    marketing_opt_in,
    gender,
    segment,
    marital_status,
    income_band,
    effective_from,
    effective_to,
    is_current,
    is_deleted,
    is_inferred,
    is_incomplete,
    version_identity
) on analytics.dim_customer from role lake_analyst;

grant select (
    customer_sk,
    customer_id,
    city,
    postal_code,
    country,
    birth_date,
    marketing_opt_in,
    gender,
    segment,
    marital_status,
    income_band,
    effective_from,
    effective_to,
    is_current,
    is_deleted,
    is_inferred,
    is_incomplete,
    version_identity
) on analytics.dim_customer to role lake_analyst;

grant select on analytics.dim_customer to role lake_steward;

grant select, insert, update, delete on analytics.dim_product to role lake_loader;

grant select on analytics.dim_product to role lake_analyst;

grant select on analytics.dim_product to role lake_steward;

grant select, insert, update, delete on analytics.fact_orders to role lake_loader;

grant select on analytics.fact_orders to role lake_analyst;

grant select on analytics.fact_orders to role lake_steward;

grant select, insert, update, delete on analytics.fact_sales to role lake_loader;

grant select on analytics.fact_sales to role lake_analyst;

grant select on analytics.fact_sales to role lake_steward;

grant select, insert, update, delete on analytics.dim_date to role lake_loader;

grant select on analytics.dim_date to role lake_analyst;

grant select on analytics.dim_date to role lake_steward;

grant select, insert, update, delete on staging.customer to role lake_loader;

-- What was granted before may be more than the contract's classes allow now.
revoke select on staging.customer from role lake_analyst;

revoke select (
    customer_id,
    customer_uuid,
    full_name,
    email,
    phone,
    address_line,
    city,
    postal_code,
    country,
    birth_date,
    gender,
    segment,
    marital_status,
    income_band,
    marketing_opt_in,
    preferences,
    created_at,
    updated_at
) on staging.customer from role lake_analyst;

grant select (
    customer_id,
    customer_uuid,
    city,
    postal_code,
    country,
    birth_date,
    gender,
    segment,
    marital_status,
    income_band,
    marketing_opt_in,
    preferences,
    created_at,
    updated_at
) on staging.customer to role lake_analyst;

grant select on staging.customer to role lake_steward;

grant select, insert, update, delete on staging."order" to role lake_loader;

grant select on staging."order" to role lake_analyst;

grant select on staging."order" to role lake_steward;

grant select, insert, update, delete on staging.order_item to role lake_loader;

grant select on staging.order_item to role lake_analyst;

grant select on staging.order_item to role lake_steward;

grant select, insert, update, delete on staging.product to role lake_loader;

grant select on staging.product to role lake_analyst;

grant select on staging.product to role lake_steward;

grant select, insert, update, delete on analytics.agg_daily_sales_by_category to role lake_loader;

grant select on analytics.agg_daily_sales_by_category to role lake_analyst;

grant select on analytics.agg_daily_sales_by_category to role lake_steward;

grant select, insert, update, delete on staging.dim_customer_load to role lake_loader;

grant select, insert, update, delete on staging.dim_customer_log to role lake_loader;

grant select on staging.dim_customer_log to role lake_steward;

grant select, insert, update, delete on staging.dim_customer_truncate to role lake_loader;

grant select on staging.dim_customer_truncate to role lake_steward;

grant select, insert, update, delete on staging.dim_customer_tip to role lake_loader;

grant select on staging.dim_customer_tip to role lake_steward;

grant select, insert, update, delete on staging.dim_product_load to role lake_loader;

grant select, insert, update, delete on staging.dim_product_log to role lake_loader;

grant select on staging.dim_product_log to role lake_steward;

grant select, insert, update, delete on staging.dim_product_truncate to role lake_loader;

grant select on staging.dim_product_truncate to role lake_steward;

grant select, insert, update, delete on staging.dim_product_tip to role lake_loader;

grant select on staging.dim_product_tip to role lake_steward;

grant select, insert, update, delete on staging.fact_orders_load to role lake_loader;

grant select, insert, update, delete on staging.fact_sales_load to role lake_loader;

grant select, insert, update, delete on staging.dim_date_load to role lake_loader;

grant select, insert, update, delete on staging.customer_load to role lake_loader;

grant select, insert, update, delete on staging.order_load to role lake_loader;

grant select, insert, update, delete on staging.order_item_load to role lake_loader;

grant select, insert, update, delete on staging.product_load to role lake_loader;

grant select, insert, update, delete on staging.load_ledger to role lake_loader;

grant select on staging.load_ledger to role lake_steward;

grant select, insert, update, delete on staging.migration_ledger to role lake_loader;

grant select on staging.migration_ledger to role lake_steward;

grant select, insert, update, delete on staging.rule_ledger to role lake_loader;

grant select on staging.rule_ledger to role lake_steward;

grant select, insert, update, delete on analytics.restatements to role lake_loader;

grant select on analytics.restatements to role lake_analyst;

grant select on analytics.restatements to role lake_steward;

grant select, insert, update, delete on ops.load_run to role lake_loader;

grant select on ops.load_run to role lake_analyst;

grant select on ops.load_run to role lake_steward;

grant select, insert, update, delete on ops.load_rows to role lake_loader;

grant select on ops.load_rows to role lake_analyst;

grant select on ops.load_rows to role lake_steward;

grant select, insert, update, delete on ops.newest_change to role lake_loader;

grant select on ops.newest_change to role lake_analyst;

grant select on ops.newest_change to role lake_steward;

grant select on ops.loads to role lake_analyst;

grant select on ops.loads to role lake_steward;

grant select on ops.row_counts to role lake_analyst;

grant select on ops.row_counts to role lake_steward;

grant select on ops.freshness to role lake_analyst;

grant select on ops.freshness to role lake_steward;

grant select on ops.restated to role lake_analyst;

grant select on ops.restated to role lake_steward;

grant select on ops.versions to role lake_analyst;

grant select on ops.versions to role lake_steward;

grant select on ops.definition to role lake_analyst;

grant select on ops.definition to role lake_steward;

create masking policy mask_direct_varchar_400 with (value varchar(400)) using (cast('***' as varchar(400)));

attach masking policy mask_direct_varchar_400 on analytics.dim_customer (full_name) to public priority 10;

create masking policy show_varchar_400 with (value varchar(400)) using (value);

attach masking policy show_varchar_400 on analytics.dim_customer (full_name) to role lake_steward priority 20;

attach masking policy show_varchar_400 on analytics.dim_customer (full_name) to role lake_loader priority 30;

create masking policy mask_direct_varchar_320 with (value varchar(320)) using (cast('***' as varchar(320)));

attach masking policy mask_direct_varchar_320 on analytics.dim_customer (email) to public priority 10;

create masking policy show_varchar_320 with (value varchar(320)) using (value);

attach masking policy show_varchar_320 on analytics.dim_customer (email) to role lake_steward priority 20;

attach masking policy show_varchar_320 on analytics.dim_customer (email) to role lake_loader priority 30;

create masking policy mask_direct_varchar_64 with (value varchar(64)) using (cast('***' as varchar(64)));

attach masking policy mask_direct_varchar_64 on analytics.dim_customer (phone) to public priority 10;

create masking policy show_varchar_64 with (value varchar(64)) using (value);

attach masking policy show_varchar_64 on analytics.dim_customer (phone) to role lake_steward priority 20;

attach masking policy show_varchar_64 on analytics.dim_customer (phone) to role lake_loader priority 30;

attach masking policy mask_direct_varchar_400 on analytics.dim_customer (address_line) to public priority 10;

attach masking policy show_varchar_400 on analytics.dim_customer (address_line) to role lake_steward priority 20;

attach masking policy show_varchar_400 on analytics.dim_customer (address_line) to role lake_loader priority 30;

create masking policy mask_quasi_varchar_200 with (value varchar(200)) using (cast(left(sha2(value, 256), 64) as varchar(200)));

attach masking policy mask_quasi_varchar_200 on analytics.dim_customer (city) to public priority 10;

create masking policy show_varchar_200 with (value varchar(200)) using (value);

attach masking policy show_varchar_200 on analytics.dim_customer (city) to role lake_steward priority 20;

attach masking policy show_varchar_200 on analytics.dim_customer (city) to role lake_loader priority 30;

create masking policy mask_quasi_varchar_32 with (value varchar(32)) using (cast(left(sha2(value, 256), 32) as varchar(32)));

attach masking policy mask_quasi_varchar_32 on analytics.dim_customer (postal_code) to public priority 10;

create masking policy show_varchar_32 with (value varchar(32)) using (value);

attach masking policy show_varchar_32 on analytics.dim_customer (postal_code) to role lake_steward priority 20;

attach masking policy show_varchar_32 on analytics.dim_customer (postal_code) to role lake_loader priority 30;

create masking policy mask_quasi_date with (value date) using (cast(date_trunc('year', value) as date));

attach masking policy mask_quasi_date on analytics.dim_customer (birth_date) to public priority 10;

create masking policy show_date with (value date) using (value);

attach masking policy show_date on analytics.dim_customer (birth_date) to role lake_steward priority 20;

attach masking policy show_date on analytics.dim_customer (birth_date) to role lake_loader priority 30;

attach masking policy mask_quasi_varchar_32 on analytics.dim_customer (gender) to public priority 10;

attach masking policy show_varchar_32 on analytics.dim_customer (gender) to role lake_steward priority 20;

attach masking policy show_varchar_32 on analytics.dim_customer (gender) to role lake_loader priority 30;

attach masking policy mask_quasi_varchar_32 on analytics.dim_customer (marital_status) to public priority 10;

attach masking policy show_varchar_32 on analytics.dim_customer (marital_status) to role lake_steward priority 20;

attach masking policy show_varchar_32 on analytics.dim_customer (marital_status) to role lake_loader priority 30;

attach masking policy mask_quasi_varchar_32 on analytics.dim_customer (income_band) to public priority 10;

attach masking policy show_varchar_32 on analytics.dim_customer (income_band) to role lake_steward priority 20;

attach masking policy show_varchar_32 on analytics.dim_customer (income_band) to role lake_loader priority 30;

create masking policy mask_quasi_varchar_36 with (value varchar(36)) using (cast(left(sha2(value, 256), 36) as varchar(36)));

attach masking policy mask_quasi_varchar_36 on staging.customer (customer_uuid) to public priority 10;

create masking policy show_varchar_36 with (value varchar(36)) using (value);

attach masking policy show_varchar_36 on staging.customer (customer_uuid) to role lake_steward priority 20;

attach masking policy show_varchar_36 on staging.customer (customer_uuid) to role lake_loader priority 30;

attach masking policy mask_direct_varchar_400 on staging.customer (full_name) to public priority 10;

attach masking policy show_varchar_400 on staging.customer (full_name) to role lake_steward priority 20;

attach masking policy show_varchar_400 on staging.customer (full_name) to role lake_loader priority 30;

attach masking policy mask_direct_varchar_320 on staging.customer (email) to public priority 10;

attach masking policy show_varchar_320 on staging.customer (email) to role lake_steward priority 20;

attach masking policy show_varchar_320 on staging.customer (email) to role lake_loader priority 30;

attach masking policy mask_direct_varchar_64 on staging.customer (phone) to public priority 10;

attach masking policy show_varchar_64 on staging.customer (phone) to role lake_steward priority 20;

attach masking policy show_varchar_64 on staging.customer (phone) to role lake_loader priority 30;

attach masking policy mask_direct_varchar_400 on staging.customer (address_line) to public priority 10;

attach masking policy show_varchar_400 on staging.customer (address_line) to role lake_steward priority 20;

attach masking policy show_varchar_400 on staging.customer (address_line) to role lake_loader priority 30;

attach masking policy mask_quasi_varchar_200 on staging.customer (city) to public priority 10;

attach masking policy show_varchar_200 on staging.customer (city) to role lake_steward priority 20;

attach masking policy show_varchar_200 on staging.customer (city) to role lake_loader priority 30;

attach masking policy mask_quasi_varchar_32 on staging.customer (postal_code) to public priority 10;

attach masking policy show_varchar_32 on staging.customer (postal_code) to role lake_steward priority 20;

attach masking policy show_varchar_32 on staging.customer (postal_code) to role lake_loader priority 30;

attach masking policy mask_quasi_date on staging.customer (birth_date) to public priority 10;

attach masking policy show_date on staging.customer (birth_date) to role lake_steward priority 20;

attach masking policy show_date on staging.customer (birth_date) to role lake_loader priority 30;

attach masking policy mask_quasi_varchar_32 on staging.customer (gender) to public priority 10;

attach masking policy show_varchar_32 on staging.customer (gender) to role lake_steward priority 20;

attach masking policy show_varchar_32 on staging.customer (gender) to role lake_loader priority 30;

attach masking policy mask_quasi_varchar_32 on staging.customer (marital_status) to public priority 10;

attach masking policy show_varchar_32 on staging.customer (marital_status) to role lake_steward priority 20;

attach masking policy show_varchar_32 on staging.customer (marital_status) to role lake_loader priority 30;

attach masking policy mask_quasi_varchar_32 on staging.customer (income_band) to public priority 10;

attach masking policy show_varchar_32 on staging.customer (income_band) to role lake_steward priority 20;

attach masking policy show_varchar_32 on staging.customer (income_band) to role lake_loader priority 30;

create masking policy mask_quasi_varchar_65535 with (value varchar(65535)) using (cast(left(sha2(value, 256), 64) as varchar(65535)));

attach masking policy mask_quasi_varchar_65535 on staging.customer (preferences) to public priority 10;

create masking policy show_varchar_65535 with (value varchar(65535)) using (value);

attach masking policy show_varchar_65535 on staging.customer (preferences) to role lake_steward priority 20;

attach masking policy show_varchar_65535 on staging.customer (preferences) to role lake_loader priority 30;

attach masking policy mask_quasi_varchar_65535 on staging."order" (note) to public priority 10;

attach masking policy show_varchar_65535 on staging."order" (note) to role lake_steward priority 20;

attach masking policy show_varchar_65535 on staging."order" (note) to role lake_loader priority 30;
