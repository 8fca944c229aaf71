-- Inferred members that no fact needs any more.

delete from analytics.{d}
using {d}_unneeded as u
where {d}.{sk} = u._sk;
