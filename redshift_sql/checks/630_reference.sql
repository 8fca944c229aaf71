-- The touched facts as they stand in the warehouse.

drop table if exists {f}_{r}_checked;

-- grain: one row per loaded or re-keyed fact
create temp table {f}_{r}_checked as
{touched_facts};
