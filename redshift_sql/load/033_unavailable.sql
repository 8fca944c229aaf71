-- No change of the load gave the attribute.
update staging.{t}_load
set unavailable = case when unavailable = '' then ',' else unavailable end || '{a},'
where change_op in ('c', 'u', 'r');
