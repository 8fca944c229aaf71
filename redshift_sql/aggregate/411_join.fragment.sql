left join analytics.{d} as {r}_member on f.{r} = {r}_member.{sk}
