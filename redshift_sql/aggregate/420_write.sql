-- The aggregate of those dates, computed again from the facts.

delete from analytics.{a}
using {a}_dates as t
where {a}.{date} = t._date;

insert into analytics.{a} (
    {date}{group: , #}{sum: , #}{count: , #}{count_distinct: , #}{min: , #}{max: , #}
)
with facts as (
    select
        cast(f.{event} as date) as {date}{group: , ~.@ as _group_#}{measured: , f.# as _fact_#}
    from analytics.{f} as f
    inner join {a}_dates as t on cast(f.{event} as date) = t._date
    {joins}
    where f.{event} >= :first_at
        and f.{event} < :last_before
)

select
    {date}{group: , _group_#}
    {sum: , cast(sum(_fact_@) as #type)}
    {count: , cast(count(_fact_@) as #type)}
    {count_distinct: , cast(count(distinct _fact_@) as #type)}
    {min: , cast(min(_fact_@) as #type)}
    {max: , cast(max(_fact_@) as #type)}
from facts
group by {date}{group: , _group_#};
