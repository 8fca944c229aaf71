-- The topics of an MSK cluster as a schema; Redshift signs in by IAM.
create external schema {topics}
from msk
iam_role '{role}'
authentication iam
{address};
