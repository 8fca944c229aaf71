insert into ops.load_rows (load_seq, table_name, rows_loaded)
values (:load_seq, :table_name, :rows_loaded);
