-- A candidate that another fact refers to stays.

delete from {d}_unneeded
using analytics.{f} as f
where {d}_unneeded._sk = f.{r};
