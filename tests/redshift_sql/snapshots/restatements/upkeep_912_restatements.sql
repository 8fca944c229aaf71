-- Facts keep their keys; only the account of how they came to them grows short.
delete from analytics.restatements
where restated_at < :keep_from;
