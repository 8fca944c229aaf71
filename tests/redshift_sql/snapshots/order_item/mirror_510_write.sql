-- Touched keys are taken out, and put back as they are now; a row that the source deleted or truncated stays out.

delete from staging.order_item
using staging.order_item_load as _loaded
where order_item.order_id = _loaded.order_id and order_item.line_no = _loaded.line_no;

insert into staging.order_item (order_id, line_no, product_id, quantity, unit_price, discount, tax_rate, updated_at)
select
    _loaded.order_id,
    _loaded.line_no,
    _loaded.product_id,
    _loaded.quantity,
    _loaded.unit_price,
    _loaded.discount,
    _loaded.tax_rate,
    _loaded.updated_at
from staging.order_item_load as _loaded
where _loaded._is_deleted = false;

drop table if exists order_item_newest;

-- grain: one row: the newest change of the source table that is in the warehouse
create temp table order_item_newest as
with known as (
    select changed_at
    from ops.newest_change
    where source_table = 'order_item'
    union all
    select _changed_at as changed_at
    from staging.order_item_load
)

select max(changed_at) as changed_at
from known;

delete from ops.newest_change
where source_table = 'order_item';

insert into ops.newest_change (source_table, changed_at, load_seq)
select 'order_item', changed_at, cast(:load_seq as bigint)
from order_item_newest
where changed_at is not null;
