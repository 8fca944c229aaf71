-- The view that nothing reads any more.
drop materialized view if exists staging.{s}_stream_v{present};
