-- What the load table has beyond them stays NULL.
insert into staging.product_load (product_id, _changed_at, _is_deleted)
select product_id, _changed_at, _is_deleted
from staging.product_early;

drop table staging.product_early;
