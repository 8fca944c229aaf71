-- The newest load in the warehouse.
select coalesce(max(load_seq), 0) as last_seq
from staging.load_ledger;

-- The newest load in the warehouse.
select coalesce(max(load_seq), 0) as last_seq
from staging.load_ledger;
