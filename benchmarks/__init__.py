"""Side-by-side measurements of each hop against a peer that does the same work, as ratios within one run."""
