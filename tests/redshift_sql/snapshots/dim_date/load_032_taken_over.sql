-- What the load table has beyond them stays NULL.
insert into staging.dim_date_load (date_sk, date)
select date_sk, date
from staging.dim_date_early;

drop table staging.dim_date_early;
