drop view if exists ops.restated;

-- grain: one row per load, fact, reference and reason: how many facts were given another version (load 0: computed again)
create view ops.restated as
select load_seq, fact, reference, reason, count(*) as facts, min(event_time) as first_event, max(event_time) as last_event
from analytics.restatements
group by load_seq, fact, reference, reason
with no schema binding;
