-- The newest migration of the warehouse.
select coalesce(max(number), 0) as last_number
from staging.migration_ledger;
