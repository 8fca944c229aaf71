-- What the load table has beyond them stays NULL.
insert into staging.customer_load (customer_id, _changed_at, _is_deleted)
select customer_id, _changed_at, _is_deleted
from staging.customer_early;

drop table staging.customer_early;
