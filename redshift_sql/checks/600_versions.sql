-- The touched keys' versions as they stand in the warehouse.

drop table if exists {d}_checked;

-- grain: one row per version of a touched key
create temp table {d}_checked as
with touched as (
    select {key: #} from {d}_extended
    union all
    select {key: #} from {d}_recomputed
)

select
    {key: v.#},
    v.{sk} as _sk,
    v.effective_from,
    v.effective_to,
    v.is_current,
    lead(v.effective_from) over (partition by {key: v.#} order by v.effective_from) as _next_from
from analytics.{d} as v
inner join touched as t on {key: v.# = t.# | and};
