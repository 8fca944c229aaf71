-- What the load table has beyond them stays NULL.
insert into staging.order_load (order_id, _changed_at, _is_deleted)
select order_id, _changed_at, _is_deleted
from staging.order_early;

drop table staging.order_early;
