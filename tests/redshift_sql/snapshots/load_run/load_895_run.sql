insert into ops.load_run (load_seq, attempt, started_at, finished_at)
values (:load_seq, :attempt, :loaded_at, :finished_at);
