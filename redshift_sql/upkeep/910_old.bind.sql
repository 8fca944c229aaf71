-- Loads up to this one may be forgotten; the newest load always stays, for the next one follows it.
with newest as (
    select max(load_seq) as load_seq
    from staging.load_ledger
)

select coalesce(max(l.load_seq), 0) as forgotten
from staging.load_ledger as l
cross join newest as n
where l.loaded_at < :keep_from
    and l.load_seq < n.load_seq;
