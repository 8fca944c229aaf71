-- Loads up to this one may be forgotten; the newest load always stays, for the next one follows it.
select coalesce(max(load_seq), 0) as forgotten
from staging.load_ledger
where loaded_at < :keep_from
    and load_seq < (select coalesce(max(load_seq), 0) from staging.load_ledger);
