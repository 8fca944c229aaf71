-- Records that every view has long passed: loaded, and older than the topic keeps them.
delete from staging.order_item_stream_v1
where kafka_timestamp < :before;
