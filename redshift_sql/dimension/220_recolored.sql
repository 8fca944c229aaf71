-- Versions that stay and show other values in attributes that aggregates group by.

drop table if exists {d}_recolored;

-- grain: one row per such version
create temp table {d}_recolored as
select a.{sk} as _sk
from {d}_after as a
inner join {d}_before as b on a.{sk} = b.{sk}
where {grouped: case when a.# = b.# or (a.# is null and b.# is null) then 0 else 1 end = 1 | or};
