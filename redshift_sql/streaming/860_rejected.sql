-- Records of the stream that give no change, with their place in Kafka; the raw bytes stand in the table's newest
-- staging.<source>_stream_v<version>.
-- grain: one row per such record
create view staging.stream_rejected as
{selects}
with no schema binding;
