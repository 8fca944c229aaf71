-- Records that every view has long passed: loaded, and older than the topic keeps them.
delete from staging.{s}_stream_v{version}
where kafka_timestamp < :before;
