left join analytics.{d} as {r} on f.{r} = {r}.{sk}
