"""Pure transforms of the batch hops: DataFrame in, DataFrame out."""
