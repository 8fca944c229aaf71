-- Every key that the log knows is computed again.

insert into {d}_recomputed ({key: #})
select distinct {key: l.#}
from staging.{d}_log as l
left join {d}_recomputed as r on {key: l.# = r.# | and}
where {first_key: r.#} is null;
