-- Once a minute beside AUTO REFRESH, which Redshift puts off while other work is waiting.
refresh materialized view staging.order_item_stream_v2;

-- Once a minute beside AUTO REFRESH, which Redshift puts off while other work is waiting.
refresh materialized view staging.order_item_stream_v1;
