-- Which facts may refer to another version now: per key the event times for which the as-of rule gives a new answer.

drop table if exists dim_product_moves;

-- grain: one row per key whose version starts differ; event times in [_moved_from, _moved_to)
create temp table dim_product_moves as
with starts as (
    select
        product_id,
        product_sk,
        effective_from,
        count(*) as _times
    from (
        select product_id, product_sk, effective_from from dim_product_before
        union all
        select product_id, product_sk, effective_from from dim_product_after
    ) as both_sides
    group by product_id, product_sk, effective_from
),

differing as (
    select
        product_id,
        min(effective_from) as _first_start,
        min(case when _times = 1 then effective_from end) as _first_moved,
        max(case when _times = 1 then effective_from end) as _last_moved
    from starts
    group by product_id
),

origins as (
    select product_id, max(origin_sk) as _origin_sk
    from dim_product_changes
    where change_op <> 't'
    group by product_id
)

select
    m.product_id,
    case when m._first_moved = m._first_start then timestamp '0001-01-01 00:00:00' else m._first_moved end as _moved_from,
    coalesce(min(s.effective_from), timestamp '9999-12-31 00:00:00') as _moved_to,
    max(o._origin_sk) as _origin_sk
from differing as m
left join starts as s
    on m.product_id = s.product_id and s._times = 2 and s.effective_from > m._last_moved
left join origins as o on m.product_id = o.product_id
where m._first_moved is not null
group by m.product_id, m._first_start, m._first_moved;
