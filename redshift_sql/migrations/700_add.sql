-- Redshift adds one column a statement, at the table's end.
alter table {schema}.{t} add column {column: # #type};
