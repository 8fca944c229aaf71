delete from staging.load_ledger
where load_seq <= :forgotten;

delete from ops.load_run
where load_seq <= :forgotten;

delete from ops.load_rows
where load_seq <= :forgotten;
