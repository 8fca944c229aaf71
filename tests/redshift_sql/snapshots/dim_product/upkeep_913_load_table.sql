-- Load rows of the last load: it is committed, and the next one empties the table before it fills it.
delete from staging.dim_product_load;
