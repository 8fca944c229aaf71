-- An inferred member exists exactly as long as a live fact needs it: those that lost a fact are candidates.

drop table if exists {d}_unneeded;

-- grain: one row per inferred member that a replaced fact referred to
create temp table {d}_unneeded as
with lost as (
    {lost_references}
)

select distinct v.{sk} as _sk
from analytics.{d} as v
inner join lost on v.{sk} = lost._sk
where v.is_inferred = true;
