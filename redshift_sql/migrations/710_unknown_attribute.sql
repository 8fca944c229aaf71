-- No change in the log gave the attribute that was added: it is unknown until one does.
update staging.{d}_log
set unavailable = case when unavailable = '' then ',' else unavailable end || '{a},'
where change_op in ('c', 'u', 'r');

update staging.{d}_tip
set _unknown = case when _unknown = '' then ',' else _unknown end || '{a},'
where _unknown is not null;

update analytics.{d}
set is_incomplete = true
where {sk} <> -1 and is_inferred = false;
