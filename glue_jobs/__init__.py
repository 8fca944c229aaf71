"""Hops 2 to 4 and maintenance: one thin entry each; `transforms/` is pure (DataFrame in, DataFrame out)."""
