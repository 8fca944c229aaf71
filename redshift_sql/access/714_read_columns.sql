-- What was granted before may be more than the contract's classes allow now.
revoke select on {schema}.{t} from role {role};

revoke select ({column: #}) on {schema}.{t} from role {role};

grant select ({allowed: #}) on {schema}.{t} to role {role};
