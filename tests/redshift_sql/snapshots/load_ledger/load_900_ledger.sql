-- The load is in the warehouse exactly when this row is.
insert into staging.load_ledger (load_seq, attempt, progress, row_counts, loaded_at)
values (:load_seq, :attempt, :progress, :row_counts, :loaded_at);
