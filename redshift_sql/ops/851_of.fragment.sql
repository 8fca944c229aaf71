select
    '{d}' as dimension,
    count(*) as versions,
    sum(case when is_current = true and is_deleted = false then 1 else 0 end) as current_versions,
    sum(case when is_incomplete = true then 1 else 0 end) as incomplete_versions,
    sum(case when is_inferred = true then 1 else 0 end) as inferred_members
from analytics.{d}
where {sk} <> -1
