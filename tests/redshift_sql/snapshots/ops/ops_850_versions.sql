drop view if exists ops.versions;

-- grain: one row per dimension: its versions, and those that lack something
create view ops.versions as
select
    'dim_customer' as dimension,
    count(*) as versions,
    sum(case when is_current = true and is_deleted = false then 1 else 0 end) as current_versions,
    sum(case when is_incomplete = true then 1 else 0 end) as incomplete_versions,
    sum(case when is_inferred = true then 1 else 0 end) as inferred_members
from analytics.dim_customer
where customer_sk <> -1
union all
select
    'dim_product' as dimension,
    count(*) as versions,
    sum(case when is_current = true and is_deleted = false then 1 else 0 end) as current_versions,
    sum(case when is_incomplete = true then 1 else 0 end) as incomplete_versions,
    sum(case when is_inferred = true then 1 else 0 end) as inferred_members
from analytics.dim_product
where product_sk <> -1
with no schema binding;
