-- Every key of a load that holds the whole log, and every key that has a row, is computed again.

insert into {d}_recomputed ({key: #})
with every_key as (
    select {key: i.#}
    from {d}_incoming as i
    union
    select {key: v.#}
    from analytics.{d} as v
    where v.{sk} <> -1
)

select {key: e.#}
from every_key as e
left join {d}_recomputed as r on {key: e.# = r.# | and}
where {first_key: r.#} is null;
