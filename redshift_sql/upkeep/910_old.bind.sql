-- Loads up to this one may be forgotten; the newest load always stays, for the next one follows it.
select coalesce(max(l.load_seq), 0) as forgotten
from staging.load_ledger as l
cross join (select max(load_seq) as newest from staging.load_ledger) as n
where l.loaded_at < :keep_from
    and l.load_seq < n.newest;
