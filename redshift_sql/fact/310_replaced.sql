-- A load row is its fact's state: the fact's present row makes way.

drop table if exists {f}_replaced;

-- grain: one row per fact that this load states anew
create temp table {f}_replaced as
select {fact: f.#}
from analytics.{f} as f
inner join staging.{f}_load as l on {key: f.# = l.# | and};

delete from analytics.{f}
using {f}_replaced as r
where {key: {f}.# = r.# | and};
