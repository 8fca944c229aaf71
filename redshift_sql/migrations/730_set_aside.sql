-- The table is made anew with its contract's columns and storage, and takes its rows over; a value that does not fit
-- ends the migration.
alter table {schema}.{t} rename to {t}_replaced;
