-- What the load table has beyond them stays NULL.
insert into staging.{t}_load ({same: #}{other: , #})
select {same: #}{other: , cast(# as #type)}
from staging.{t}_early;

drop table staging.{t}_early;
