analyze {schema}.{t} predicate columns;
