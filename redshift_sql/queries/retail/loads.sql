-- Which loads are in the warehouse, how long did they take, and what did they bring?
select load_seq, started_at, seconds, rows_loaded, facts_restated
from ops.loads
order by load_seq desc;
