-- The dates whose facts are others now.

drop table if exists {a}_dates;

-- grain: one row per date to compute again
create temp table {a}_dates as
with touched as (
    {touched_times}
)

select distinct cast(_event_time as date) as _date
from touched
where _event_time is not null;
