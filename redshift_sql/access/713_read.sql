grant select on {schema}.{t} to role {role};
