drop view if exists ops.freshness;

-- grain: one row per source table: the instant of its newest change here, how far behind the clock that is (a source
-- that is quiet grows old too), and whether that is more than its contract allows
create view ops.freshness as
with wanted as (
    {wanted}
)

select
    wanted.source_table,
    wanted.minutes_allowed,
    newest.changed_at as newest_change,
    newest.load_seq as newest_load,
    datediff(minute, newest.changed_at, getdate()) as minutes_behind,
    case
        when newest.changed_at is null then true
        when datediff(minute, newest.changed_at, getdate()) > wanted.minutes_allowed then true
        else false
    end as is_late
from wanted
left join ops.newest_change as newest on wanted.source_table = newest.source_table
with no schema binding;
