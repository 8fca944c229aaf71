-- A load that holds the whole change log takes the place of what is kept of it.

delete from staging.dim_customer_log;

delete from staging.dim_customer_truncate;

delete from staging.dim_customer_tip;
