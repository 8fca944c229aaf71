# What the operator's guide and `lake deploy` ask for.

output "name" {
  description = "Prefix of every name."
  value       = module.lake.name
}

output "lake_bucket" {
  description = "The lake's bucket."
  value       = module.lake.lake_bucket
}

output "artifacts_bucket" {
  description = "The bucket of releases."
  value       = module.lake.artifacts_bucket
}

output "logs_bucket" {
  description = "The bucket of event logs and query results."
  value       = module.lake.logs_bucket
}

output "database_names" {
  description = "Catalog databases by zone."
  value       = module.lake.database_names
}

output "job_names" {
  description = "Glue jobs by entry."
  value       = module.lake.job_names
}

output "state_machine_arns" {
  description = "State machines by name: route, stream, and those of the streaming path."
  value       = module.lake.state_machine_arns
}

output "topics" {
  description = "Topics as they must be, by name: partitions, replication_factor, config."
  value       = module.lake.topics
}

output "throughput" {
  description = "The stated peak of each source table, from which partitions follow."
  value       = module.lake.throughput
}

output "kafka" {
  description = "The cluster: kind, ARN, brokers for IAM over TLS."
  value       = module.lake.kafka
}

output "warehouse" {
  description = "The warehouse: its address (settings warehouse_uri and copy_role), host and port, the role of the operator, the decoding function."
  value       = module.lake.warehouse
}

output "registry" {
  description = "The schema registry as the code names it, and its name at Glue."
  value       = module.lake.registry
}

output "source_secret" {
  description = "The secret that takes the password of the login debezium, as {\"password\": \"…\"}."
  value       = module.lake.source_secret
}

output "source_way" {
  description = "For the other side of the way to the source: public addresses of the VPN's tunnels, the peering to accept."
  value       = module.lake.source_way
}

output "athena_workgroup" {
  description = "The workgroup that queries of the lake run in."
  value       = module.lake.athena_workgroup
}

output "reader_policy_arns" {
  description = "Policies to attach to people's roles: analyst, engineer."
  value       = module.lake.reader_policy_arns
}

output "alarm_topic_arn" {
  description = "The topic that alarms tell."
  value       = module.lake.alarm_topic_arn
}

output "dashboard_names" {
  description = "Dashboards by part."
  value       = module.lake.dashboard_names
}

output "backup_vault" {
  description = "The vault of recovery points."
  value       = module.lake.backup_vault
}

output "objectives" {
  description = "Recovery objectives in hours."
  value       = module.lake.objectives
}
