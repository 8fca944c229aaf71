select {key: f.#}, f.{event} as _event_time, f.{r} as _sk{pair: , f.# as _member_@}
from analytics.{f} as f
inner join {touched} as n on {key: f.# = n.# | and}
