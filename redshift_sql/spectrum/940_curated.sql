-- The lake's star as it lies in S3, Iceberg tables of the Glue Data Catalog: read in place, nothing is copied.
create external schema if not exists {schema}
from data catalog
database '{database}'
iam_role '{role}';
