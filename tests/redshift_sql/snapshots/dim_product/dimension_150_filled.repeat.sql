-- Unavailable values are those of the key's upsert before, across a key change of the old key's; unknown if none has one.
-- Repeated until no row is updated, so that values run along chains of key changes.

drop table if exists dim_product_filled;

-- grain: one row per upsert with unavailable values
create temp table dim_product_filled as
with holed as (
    select distinct product_id
    from dim_product_changes
    where unavailable <> ''
),

upserts as (
    select
        c.product_id,
        c._n,
        c._place,
        c.change_identity,
        c.unavailable,
        c.old_product_id,
        case when c.old_product_id is not null and c.unavailable <> '' and c._is_seed = 0 then 1 else 0 end as _is_moved
    from dim_product_changes as c
    inner join holed as h on c.product_id = h.product_id
    where c.change_op in ('c', 'u', 'r') or c._is_seed = 1
),

-- grain: one row per key change and earlier upsert of the old key; the last one is first
donors as (
    select
        moved.product_id as _moved_product_id,
        moved._n as _moved_n,
        donor.product_id,
        donor.change_identity,
        row_number() over (partition by moved.product_id, moved._n order by donor._place desc) as _nearness
    from upserts as moved
    inner join dim_product_changes as donor
        on moved.old_product_id = donor.product_id
        and donor.change_op in ('c', 'u', 'r')
        and donor._place < moved._place
    where moved._is_moved = 1
),

known as (
    select
        u.product_id,
        u._n,
        u.change_identity,
        u.unavailable,
        case when strpos(u.unavailable, ',sku,') = 0 then own.sku else given.sku end as sku,
        case when strpos(u.unavailable, ',product_name,') = 0 then own.product_name else given.product_name end as product_name,
        case when strpos(u.unavailable, ',description,') = 0 then own.description else given.description end as description,
        case when strpos(u.unavailable, ',brand,') = 0 then own.brand else given.brand end as brand,
        case when strpos(u.unavailable, ',list_price,') = 0 then own.list_price else given.list_price end as list_price,
        case when strpos(u.unavailable, ',weight_kg,') = 0 then own.weight_kg else given.weight_kg end as weight_kg,
        case when strpos(u.unavailable, ',active,') = 0 then own.active else given.active end as active,
        case when strpos(u.unavailable, ',launched_on,') = 0 then own.launched_on else given.launched_on end as launched_on,
        case when strpos(u.unavailable, ',category,') = 0 then own.category else given.category end as category,
        case when strpos(u.unavailable, ',subcategory,') = 0 then own.subcategory else given.subcategory end as subcategory,
        case when strpos(u.unavailable, ',sku,') = 0 or strpos(given._unknown, ',sku,') = 0 then 1 else 0 end as _known_sku,
        case when strpos(u.unavailable, ',product_name,') = 0 or strpos(given._unknown, ',product_name,') = 0 then 1 else 0 end as _known_product_name,
        case when strpos(u.unavailable, ',description,') = 0 or strpos(given._unknown, ',description,') = 0 then 1 else 0 end as _known_description,
        case when strpos(u.unavailable, ',brand,') = 0 or strpos(given._unknown, ',brand,') = 0 then 1 else 0 end as _known_brand,
        case when strpos(u.unavailable, ',list_price,') = 0 or strpos(given._unknown, ',list_price,') = 0 then 1 else 0 end as _known_list_price,
        case when strpos(u.unavailable, ',weight_kg,') = 0 or strpos(given._unknown, ',weight_kg,') = 0 then 1 else 0 end as _known_weight_kg,
        case when strpos(u.unavailable, ',active,') = 0 or strpos(given._unknown, ',active,') = 0 then 1 else 0 end as _known_active,
        case when strpos(u.unavailable, ',launched_on,') = 0 or strpos(given._unknown, ',launched_on,') = 0 then 1 else 0 end as _known_launched_on,
        case when strpos(u.unavailable, ',category,') = 0 or strpos(given._unknown, ',category,') = 0 then 1 else 0 end as _known_category,
        case when strpos(u.unavailable, ',subcategory,') = 0 or strpos(given._unknown, ',subcategory,') = 0 then 1 else 0 end as _known_subcategory,
        sum(case when strpos(u.unavailable, ',sku,') = 0 or u._is_moved = 1 then 1 else 0 end) over (partition by u.product_id order by u._n rows unbounded preceding) as _run_sku,
        sum(case when strpos(u.unavailable, ',product_name,') = 0 or u._is_moved = 1 then 1 else 0 end) over (partition by u.product_id order by u._n rows unbounded preceding) as _run_product_name,
        sum(case when strpos(u.unavailable, ',description,') = 0 or u._is_moved = 1 then 1 else 0 end) over (partition by u.product_id order by u._n rows unbounded preceding) as _run_description,
        sum(case when strpos(u.unavailable, ',brand,') = 0 or u._is_moved = 1 then 1 else 0 end) over (partition by u.product_id order by u._n rows unbounded preceding) as _run_brand,
        sum(case when strpos(u.unavailable, ',list_price,') = 0 or u._is_moved = 1 then 1 else 0 end) over (partition by u.product_id order by u._n rows unbounded preceding) as _run_list_price,
        sum(case when strpos(u.unavailable, ',weight_kg,') = 0 or u._is_moved = 1 then 1 else 0 end) over (partition by u.product_id order by u._n rows unbounded preceding) as _run_weight_kg,
        sum(case when strpos(u.unavailable, ',active,') = 0 or u._is_moved = 1 then 1 else 0 end) over (partition by u.product_id order by u._n rows unbounded preceding) as _run_active,
        sum(case when strpos(u.unavailable, ',launched_on,') = 0 or u._is_moved = 1 then 1 else 0 end) over (partition by u.product_id order by u._n rows unbounded preceding) as _run_launched_on,
        sum(case when strpos(u.unavailable, ',category,') = 0 or u._is_moved = 1 then 1 else 0 end) over (partition by u.product_id order by u._n rows unbounded preceding) as _run_category,
        sum(case when strpos(u.unavailable, ',subcategory,') = 0 or u._is_moved = 1 then 1 else 0 end) over (partition by u.product_id order by u._n rows unbounded preceding) as _run_subcategory
    from upserts as u
    inner join dim_product_images as own on u.product_id = own.product_id and u.change_identity = own.change_identity
    left join donors as d
        on u.product_id = d._moved_product_id
        and u._n = d._moved_n
        and d._nearness = 1
    left join dim_product_images as given on d.product_id = given.product_id and d.change_identity = given.change_identity
),

spread as (
    select
        product_id,
        change_identity,
        unavailable,
        max(sku) over (partition by product_id, _run_sku) as sku,
        max(product_name) over (partition by product_id, _run_product_name) as product_name,
        max(description) over (partition by product_id, _run_description) as description,
        max(brand) over (partition by product_id, _run_brand) as brand,
        max(list_price) over (partition by product_id, _run_list_price) as list_price,
        max(weight_kg) over (partition by product_id, _run_weight_kg) as weight_kg,
        max(launched_on) over (partition by product_id, _run_launched_on) as launched_on,
        max(category) over (partition by product_id, _run_category) as category,
        max(subcategory) over (partition by product_id, _run_subcategory) as subcategory,
        cast(max(cast(active as integer)) over (partition by product_id, _run_active) as boolean) as active,
        max(_known_sku) over (partition by product_id, _run_sku) as _known_sku,
        max(_known_product_name) over (partition by product_id, _run_product_name) as _known_product_name,
        max(_known_description) over (partition by product_id, _run_description) as _known_description,
        max(_known_brand) over (partition by product_id, _run_brand) as _known_brand,
        max(_known_list_price) over (partition by product_id, _run_list_price) as _known_list_price,
        max(_known_weight_kg) over (partition by product_id, _run_weight_kg) as _known_weight_kg,
        max(_known_active) over (partition by product_id, _run_active) as _known_active,
        max(_known_launched_on) over (partition by product_id, _run_launched_on) as _known_launched_on,
        max(_known_category) over (partition by product_id, _run_category) as _known_category,
        max(_known_subcategory) over (partition by product_id, _run_subcategory) as _known_subcategory
    from known
)

select
    spread.*,
    case
        when
        _known_sku = 1
        and _known_product_name = 1
        and _known_description = 1
        and _known_brand = 1
        and _known_list_price = 1
        and _known_weight_kg = 1
        and _known_active = 1
        and _known_launched_on = 1
        and _known_category = 1
        and _known_subcategory = 1
            then ''
        else ','
    end
    ||
    case when _known_sku = 1 then '' else 'sku,' end
    || case when _known_product_name = 1 then '' else 'product_name,' end
    || case when _known_description = 1 then '' else 'description,' end
    || case when _known_brand = 1 then '' else 'brand,' end
    || case when _known_list_price = 1 then '' else 'list_price,' end
    || case when _known_weight_kg = 1 then '' else 'weight_kg,' end
    || case when _known_active = 1 then '' else 'active,' end
    || case when _known_launched_on = 1 then '' else 'launched_on,' end
    || case when _known_category = 1 then '' else 'category,' end
    || case when _known_subcategory = 1 then '' else 'subcategory,' end as _unknown
from spread
where unavailable <> '';

update dim_product_images
set _unknown = f._unknown,
    sku = f.sku,
    product_name = f.product_name,
    description = f.description,
    brand = f.brand,
    list_price = f.list_price,
    weight_kg = f.weight_kg,
    active = f.active,
    launched_on = f.launched_on,
    category = f.category,
    subcategory = f.subcategory
from dim_product_filled as f
where dim_product_images.product_id = f.product_id
    and dim_product_images.change_identity = f.change_identity
    and (
        dim_product_images._unknown <> f._unknown
        or case when dim_product_images.sku = f.sku or (dim_product_images.sku is null and f.sku is null) then 0 else 1 end = 1
        or case when dim_product_images.product_name = f.product_name or (dim_product_images.product_name is null and f.product_name is null) then 0 else 1 end = 1
        or case when dim_product_images.description = f.description or (dim_product_images.description is null and f.description is null) then 0 else 1 end = 1
        or case when dim_product_images.brand = f.brand or (dim_product_images.brand is null and f.brand is null) then 0 else 1 end = 1
        or case when dim_product_images.list_price = f.list_price or (dim_product_images.list_price is null and f.list_price is null) then 0 else 1 end = 1
        or case when dim_product_images.weight_kg = f.weight_kg or (dim_product_images.weight_kg is null and f.weight_kg is null) then 0 else 1 end = 1
        or case when dim_product_images.active = f.active or (dim_product_images.active is null and f.active is null) then 0 else 1 end = 1
        or case when dim_product_images.launched_on = f.launched_on or (dim_product_images.launched_on is null and f.launched_on is null) then 0 else 1 end = 1
        or case when dim_product_images.category = f.category or (dim_product_images.category is null and f.category is null) then 0 else 1 end = 1
        or case when dim_product_images.subcategory = f.subcategory or (dim_product_images.subcategory is null and f.subcategory is null) then 0 else 1 end = 1
    );
