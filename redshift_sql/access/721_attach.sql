attach masking policy {policy} on {schema}.{t} ({column: #}) to {grantee} priority {priority};
