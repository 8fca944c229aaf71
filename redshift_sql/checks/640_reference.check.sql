-- {r} of {f} is a member of {d}
select {key: f.#}
from {f}_{r}_checked as f
left join analytics.{d} as v on f._sk = v.{sk}
where v.{sk} is null;

-- {r} of {f} is unknown exactly while the reference or the event time is
select {key: f.#}
from {f}_{r}_checked as f
where (f._sk = -1 and f._event_time is not null and {pair: f._member_@ is not null | and})
    or (f._sk <> -1 and (f._event_time is null or {pair: f._member_@ is null | or}));

-- {r} of {f} is the version of its member that started last at or before the event time, else the first one
select {key: f.#}
from {f}_{r}_checked as f
inner join analytics.{d} as v on {pair: f._member_@ = v.@ | and}
where f._event_time is not null
group by {key: f.#}, f._sk, f._event_time
having coalesce(max(case when v.effective_from <= f._event_time then v.effective_from end), min(v.effective_from))
    <> coalesce(max(case when v.{sk} = f._sk then v.effective_from end), timestamp '0001-01-01 00:00:00');
