-- No change of the load gave the attribute.
update staging.dim_product_load
set unavailable = case when unavailable = '' then ',' else unavailable end || 'sku,'
where change_op in ('c', 'u', 'r');

-- No change of the load gave the attribute.
update staging.dim_product_load
set unavailable = case when unavailable = '' then ',' else unavailable end || 'product_name,'
where change_op in ('c', 'u', 'r');

-- No change of the load gave the attribute.
update staging.dim_product_load
set unavailable = case when unavailable = '' then ',' else unavailable end || 'description,'
where change_op in ('c', 'u', 'r');

-- No change of the load gave the attribute.
update staging.dim_product_load
set unavailable = case when unavailable = '' then ',' else unavailable end || 'brand,'
where change_op in ('c', 'u', 'r');

-- No change of the load gave the attribute.
update staging.dim_product_load
set unavailable = case when unavailable = '' then ',' else unavailable end || 'list_price,'
where change_op in ('c', 'u', 'r');

-- No change of the load gave the attribute.
update staging.dim_product_load
set unavailable = case when unavailable = '' then ',' else unavailable end || 'weight_kg,'
where change_op in ('c', 'u', 'r');

-- No change of the load gave the attribute.
update staging.dim_product_load
set unavailable = case when unavailable = '' then ',' else unavailable end || 'active,'
where change_op in ('c', 'u', 'r');

-- No change of the load gave the attribute.
update staging.dim_product_load
set unavailable = case when unavailable = '' then ',' else unavailable end || 'launched_on,'
where change_op in ('c', 'u', 'r');

-- No change of the load gave the attribute.
update staging.dim_product_load
set unavailable = case when unavailable = '' then ',' else unavailable end || 'category,'
where change_op in ('c', 'u', 'r');

-- No change of the load gave the attribute.
update staging.dim_product_load
set unavailable = case when unavailable = '' then ',' else unavailable end || 'subcategory,'
where change_op in ('c', 'u', 'r');
