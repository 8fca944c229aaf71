-- The view that nothing reads any more.
drop materialized view if exists staging.order_stream_v1;
