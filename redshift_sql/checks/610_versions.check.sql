-- versions of a key of {d} do not overlap
select {key: #}
from {d}_checked
where _next_from < coalesce(effective_to, timestamp '9999-12-31 00:00:00');

-- no version of {d} is empty
select {key: #}
from {d}_checked
where effective_to <= effective_from;

-- a version of {d} is current exactly while it is open
select {key: #}
from {d}_checked
where is_current <> case when effective_to is null then true else false end;

-- at most one version of a key of {d} is current
select {key: #}
from {d}_checked
where is_current = true
group by {key: #}
having count(*) > 1;

-- a surrogate key of {d} stands for one version
select v.{sk}
from analytics.{d} as v
inner join {d}_checked as c on v.{sk} = c._sk
group by v.{sk}
having count(*) > 1;
