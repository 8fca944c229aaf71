-- How far behind its source is each table, and is that more than its contract allows?
select source_table, newest_change, minutes_behind, minutes_allowed, is_late
from ops.freshness
order by source_table;
