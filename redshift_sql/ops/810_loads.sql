-- Views bind to their tables only when asked, so that a table can be made anew under them.

drop view if exists ops.loads;

-- grain: one row per load, with its duration, its rows, and the facts that it gave another version
create view ops.loads as
with brought as (
    select load_seq, sum(rows_loaded) as rows_loaded
    from ops.load_rows
    group by load_seq
),

moved as (
    select load_seq, count(*) as facts_restated
    from analytics.restatements
    group by load_seq
)

select
    run.load_seq,
    run.attempt,
    run.started_at,
    run.finished_at,
    datediff(second, run.started_at, run.finished_at) as seconds,
    coalesce(brought.rows_loaded, 0) as rows_loaded,
    coalesce(moved.facts_restated, 0) as facts_restated
from ops.load_run as run
left join brought on run.load_seq = brought.load_seq
left join moved on run.load_seq = moved.load_seq
with no schema binding;
