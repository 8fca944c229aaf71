-- Only rows that differ are written.

drop table if exists {d}_outdated;

-- grain: one row per version that is gone or has other values
create temp table {d}_outdated as
select b.{sk}
from {d}_before as b
left join {d}_after as a on b.{sk} = a.{sk} and {key: b.# = a.# | and}
where a.{sk} is null
    or b.effective_from <> a.effective_from
    or b.is_deleted <> a.is_deleted
    or b.is_inferred <> a.is_inferred
    or b.is_incomplete <> a.is_incomplete
    or b.version_identity <> a.version_identity
    or case when b.effective_to = a.effective_to or (b.effective_to is null and a.effective_to is null) then 0 else 1 end = 1
    {attribute: or case when b.# = a.# or (b.# is null and a.# is null) then 0 else 1 end = 1};

delete from analytics.{d}
using {d}_outdated as o
where {d}.{sk} = o.{sk};

insert into analytics.{d} ({dimension: #})
select {dimension: a.#}
from {d}_after as a
left join {d}_before as b on a.{sk} = b.{sk} and {key: a.# = b.# | and}
left join {d}_outdated as o on a.{sk} = o.{sk}
where b.{sk} is null or o.{sk} is not null;
