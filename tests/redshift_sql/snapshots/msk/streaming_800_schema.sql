-- The topics of an MSK cluster as a schema; Redshift signs in by IAM.
create external schema msk
from msk
iam_role 'arn:aws:iam::123456789012:role/lake-redshift'
authentication iam
cluster_arn 'arn:aws:kafka:eu-west-1:123456789012:cluster/lake/0a1b2c3d-4e5f-6071-8293-a4b5c6d7e8f9-1';
