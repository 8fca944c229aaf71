# Topics as they must be; `lake deploy apply` makes them, since the provider has no resource for one. Partitions follow
# the stated throughput by the rule of streaming/sizing.py (a test holds both equal).

locals {
  needed = { for name, topic in var.topics : name => max(
    ceil(topic.records_per_second * var.sizing.growth / var.sizing.records_per_second),
    ceil(topic.records_per_second * topic.record_bytes * var.sizing.growth / var.sizing.bytes_per_second),
  ) }
  partitions = { for name, count in local.needed : name => ceil(count / var.sizing.multiple) * var.sizing.multiple }

  topic_config = {
    "cleanup.policy"         = "delete"
    "retention.ms"           = tostring(var.retention_days * 24 * 60 * 60 * 1000)
    "message.timestamp.type" = "CreateTime"
  }
  topics = merge(
    { for name, count in local.partitions : name => { partitions = count, replication_factor = 3, config = local.topic_config } },
    { for name in var.service_topics : name => { partitions = 1, replication_factor = 3, config = local.topic_config } },
  )
}
