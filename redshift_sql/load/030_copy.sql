-- Positional: the files hold the table's columns in their order.
copy staging.{target}
from :manifest
iam_role :iam_role
format as parquet
manifest
statupdate off;
