-- Touched keys are taken out, and put back as they are now; a row that the source deleted or truncated stays out.

delete from staging."order"
using staging.order_load as _loaded
where "order".order_id = _loaded.order_id;

insert into staging."order" (order_id, customer_id, status, ordered_at, shipped_at, channel, currency, shipping_fee, note, updated_at)
select
    _loaded.order_id,
    _loaded.customer_id,
    _loaded.status,
    _loaded.ordered_at,
    _loaded.shipped_at,
    _loaded.channel,
    _loaded.currency,
    _loaded.shipping_fee,
    _loaded.note,
    _loaded.updated_at
from staging.order_load as _loaded
where _loaded._is_deleted = false;

drop table if exists order_newest;

-- grain: one row: the newest change of the source table that is in the warehouse
create temp table order_newest as
with known as (
    select changed_at
    from ops.newest_change
    where source_table = 'order'
    union all
    select _changed_at as changed_at
    from staging.order_load
)

select max(changed_at) as changed_at
from known;

delete from ops.newest_change
where source_table = 'order';

insert into ops.newest_change (source_table, changed_at, load_seq)
select 'order', changed_at, cast(:load_seq as bigint)
from order_newest
where changed_at is not null;
