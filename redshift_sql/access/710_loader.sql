-- The loader writes what loads and migrations write, and may read nothing else.
grant usage, create on schema staging to role {loader};

grant usage, create on schema analytics to role {loader};

grant usage, create on schema ops to role {loader};
