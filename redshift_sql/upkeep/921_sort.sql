vacuum sort only {schema}.{t} to 95 percent;
