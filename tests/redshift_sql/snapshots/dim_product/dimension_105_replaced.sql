-- A load that holds the whole change log takes the place of what is kept of it.

delete from staging.dim_product_log;

delete from staging.dim_product_truncate;

delete from staging.dim_product_tip;
