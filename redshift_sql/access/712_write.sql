grant select, insert, update, delete on {schema}.{t} to role {loader};
