-- What the load table has beyond them stays NULL.
insert into staging.order_item_load (order_id, line_no, _changed_at, _is_deleted)
select order_id, line_no, _changed_at, _is_deleted
from staging.order_item_early;

drop table staging.order_item_early;
