-- lake: outside a transaction
alter table {schema}.{t} alter column {column: # type #type};
