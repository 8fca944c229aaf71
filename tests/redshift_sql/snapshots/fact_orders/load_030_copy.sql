-- Positional: the files hold the table's columns in their order.
copy staging.fact_orders_load
from :manifest
iam_role :iam_role
format as parquet
manifest
statupdate off;

-- Positional: the files hold the table's columns in their order.
copy staging.fact_orders_early
from :manifest
iam_role :iam_role
format as parquet
manifest
statupdate off;
