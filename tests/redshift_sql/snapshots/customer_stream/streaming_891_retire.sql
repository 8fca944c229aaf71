-- The view that nothing reads any more.
drop materialized view if exists staging.customer_stream_v1;
