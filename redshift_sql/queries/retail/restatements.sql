-- Which facts were given another version of a dimension, and why?
select fact, reference, reason, sum(facts) as facts
from ops.restated
group by fact, reference, reason
order by fact, reference, reason;
