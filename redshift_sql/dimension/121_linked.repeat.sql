-- Keys that a key change links with a key to be computed again are computed again too; repeated until no key is added.

insert into {d}_recomputed ({key: #})
with linked as (
    select {key: l.old_# as #}
    from {d}_links as l
    inner join {d}_recomputed as r on {key: l.# = r.# | and}
    union
    select {key: l.#}
    from {d}_links as l
    inner join {d}_recomputed as r on {key: l.old_# = r.# | and}
)

select {key: linked.#}
from linked
left join {d}_recomputed as r on {key: linked.# = r.# | and}
where {first_key: r.#} is null;
