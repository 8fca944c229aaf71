-- Touched keys are taken out, and put back as they are now; a row that the source deleted or truncated stays out.

delete from staging.product
using staging.product_load as _loaded
where product.product_id = _loaded.product_id;

insert into staging.product (
    product_id,
    sku,
    name,
    description,
    category,
    subcategory,
    brand,
    list_price,
    weight_kg,
    active,
    attributes,
    launched_on,
    updated_at
)
select
    _loaded.product_id,
    _loaded.sku,
    _loaded.name,
    _loaded.description,
    _loaded.category,
    _loaded.subcategory,
    _loaded.brand,
    _loaded.list_price,
    _loaded.weight_kg,
    _loaded.active,
    _loaded.attributes,
    _loaded.launched_on,
    _loaded.updated_at
from staging.product_load as _loaded
where _loaded._is_deleted = false;

drop table if exists product_newest;

-- grain: one row: the newest change of the source table that is in the warehouse
create temp table product_newest as
with known as (
    select changed_at
    from ops.newest_change
    where source_table = 'product'
    union all
    select _changed_at as changed_at
    from staging.product_load
)

select max(changed_at) as changed_at
from known;

delete from ops.newest_change
where source_table = 'product';

insert into ops.newest_change (source_table, changed_at, load_seq)
select 'product', changed_at, cast(:load_seq as bigint)
from product_newest
where changed_at is not null;
