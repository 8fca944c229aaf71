-- The view that nothing reads any more.
drop materialized view if exists staging.product_stream_v1;
