-- Positional: the files hold the table's columns in their order.
copy staging.product_load
from :manifest
iam_role :iam_role
format as parquet
manifest
statupdate off;

-- Positional: the files hold the table's columns in their order.
copy staging.product_early
from :manifest
iam_role :iam_role
format as parquet
manifest
statupdate off;
