-- The migration is in the warehouse exactly when this row is.
insert into staging.migration_ledger (number, name, checksum, kind, applied_at)
values (:number, :name, :checksum, :kind, :applied_at);
