"""Dead letters of hops 1 to 3: read, sent through again, discarded."""
