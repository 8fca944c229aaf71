vacuum delete only {schema}.{t};
