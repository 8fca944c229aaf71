-- Only rows that differ are written.

drop table if exists dim_product_outdated;

-- grain: one row per version that is gone or has other values
create temp table dim_product_outdated as
select b.product_sk
from dim_product_before as b
left join dim_product_after as a on b.product_sk = a.product_sk and b.product_id = a.product_id
where a.product_sk is null
    or b.effective_from <> a.effective_from
    or b.is_deleted <> a.is_deleted
    or b.is_inferred <> a.is_inferred
    or b.is_incomplete <> a.is_incomplete
    or b.version_identity <> a.version_identity
    or case when b.effective_to = a.effective_to or (b.effective_to is null and a.effective_to is null) then 0 else 1 end = 1
    or case when b.sku = a.sku or (b.sku is null and a.sku is null) then 0 else 1 end = 1
    or case when b.product_name = a.product_name or (b.product_name is null and a.product_name is null) then 0 else 1 end = 1
    or case when b.description = a.description or (b.description is null and a.description is null) then 0 else 1 end = 1
    or case when b.brand = a.brand or (b.brand is null and a.brand is null) then 0 else 1 end = 1
    or case when b.list_price = a.list_price or (b.list_price is null and a.list_price is null) then 0 else 1 end = 1
    or case when b.weight_kg = a.weight_kg or (b.weight_kg is null and a.weight_kg is null) then 0 else 1 end = 1
    or case when b.active = a.active or (b.active is null and a.active is null) then 0 else 1 end = 1
    or case when b.launched_on = a.launched_on or (b.launched_on is null and a.launched_on is null) then 0 else 1 end = 1
    or case when b.category = a.category or (b.category is null and a.category is null) then 0 else 1 end = 1
    or case when b.subcategory = a.subcategory or (b.subcategory is null and a.subcategory is null) then 0 else 1 end = 1;

delete from analytics.dim_product
using dim_product_outdated as o
where dim_product.product_sk = o.product_sk;

insert into analytics.dim_product (
    product_sk,
    product_id,
    sku,
    product_name,
    description,
    brand,
    list_price,
    weight_kg,
    active,
    launched_on,
    category,
    subcategory,
    effective_from,
    effective_to,
    is_current,
    is_deleted,
    is_inferred,
    is_incomplete,
    version_identity
)
select
    a.product_sk,
    a.product_id,
    a.sku,
    a.product_name,
    a.description,
    a.brand,
    a.list_price,
    a.weight_kg,
    a.active,
    a.launched_on,
    a.category,
    a.subcategory,
    a.effective_from,
    a.effective_to,
    a.is_current,
    a.is_deleted,
    a.is_inferred,
    a.is_incomplete,
    a.version_identity
from dim_product_after as a
left join dim_product_before as b on a.product_sk = b.product_sk and a.product_id = b.product_id
left join dim_product_outdated as o on a.product_sk = o.product_sk
where b.product_sk is null or o.product_sk is not null;
