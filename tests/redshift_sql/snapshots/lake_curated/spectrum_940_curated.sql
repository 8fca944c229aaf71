-- The lake's star as it lies in S3, Iceberg tables of the Glue Data Catalog: read in place, nothing is copied.
create external schema if not exists lake_curated
from data catalog
database 'retail_curated'
iam_role 'arn:aws:iam::123456789012:role/lake-redshift';
