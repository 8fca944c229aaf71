-- No change of the load gave the attribute.
update staging.dim_customer_load
set unavailable = case when unavailable = '' then ',' else unavailable end || 'full_name,'
where change_op in ('c', 'u', 'r');

-- No change of the load gave the attribute.
update staging.dim_customer_load
set unavailable = case when unavailable = '' then ',' else unavailable end || 'email,'
where change_op in ('c', 'u', 'r');

-- No change of the load gave the attribute.
update staging.dim_customer_load
set unavailable = case when unavailable = '' then ',' else unavailable end || 'phone,'
where change_op in ('c', 'u', 'r');

-- No change of the load gave the attribute.
update staging.dim_customer_load
set unavailable = case when unavailable = '' then ',' else unavailable end || 'address_line,'
where change_op in ('c', 'u', 'r');

-- No change of the load gave the attribute.
update staging.dim_customer_load
set unavailable = case when unavailable = '' then ',' else unavailable end || 'city,'
where change_op in ('c', 'u', 'r');

-- No change of the load gave the attribute.
update staging.dim_customer_load
set unavailable = case when unavailable = '' then ',' else unavailable end || 'postal_code,'
where change_op in ('c', 'u', 'r');

-- No change of the load gave the attribute.
update staging.dim_customer_load
set unavailable = case when unavailable = '' then ',' else unavailable end || 'country,'
where change_op in ('c', 'u', 'r');

-- No change of the load gave the attribute.
update staging.dim_customer_load
set unavailable = case when unavailable = '' then ',' else unavailable end || 'birth_date,'
where change_op in ('c', 'u', 'r');

-- No change of the load gave the attribute.
update staging.dim_customer_load
set unavailable = case when unavailable = '' then ',' else unavailable end || 'marketing_opt_in,'
where change_op in ('c', 'u', 'r');

-- No change of the load gave the attribute.
update staging.dim_customer_load
set unavailable = case when unavailable = '' then ',' else unavailable end || 'gender,'
where change_op in ('c', 'u', 'r');

-- No change of the load gave the attribute.
update staging.dim_customer_load
set unavailable = case when unavailable = '' then ',' else unavailable end || 'segment,'
where change_op in ('c', 'u', 'r');

-- No change of the load gave the attribute.
update staging.dim_customer_load
set unavailable = case when unavailable = '' then ',' else unavailable end || 'marital_status,'
where change_op in ('c', 'u', 'r');

-- No change of the load gave the attribute.
update staging.dim_customer_load
set unavailable = case when unavailable = '' then ',' else unavailable end || 'income_band,'
where change_op in ('c', 'u', 'r');
