-- a load of {f} states a fact at most once
select {key: #}
from staging.{f}_load
group by {key: #}
having count(*) > 1;
