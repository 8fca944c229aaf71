# What the operator's guide and `lake deploy` (lake/deploy/places.py) ask for.

output "name" {
  description = "Prefix of every name."
  value       = local.name
}

output "lake_bucket" {
  description = "The lake's bucket."
  value       = module.storage.lake_bucket
}

output "artifacts_bucket" {
  description = "The bucket of releases."
  value       = module.storage.artifacts_bucket
}

output "logs_bucket" {
  description = "The bucket of event logs and query results."
  value       = module.storage.logs_bucket
}

output "database_names" {
  description = "Catalog databases by zone."
  value       = module.catalog.database_names
}

output "job_names" {
  description = "Glue jobs by entry."
  value       = module.jobs.job_names
}

output "state_machine_arns" {
  description = "State machines by name: route, stream, and those of the streaming path."
  value       = merge(module.jobs.state_machine_arns, module.warehouse.state_machine_arns)
}

output "topics" {
  description = "Topics as they must be, by name: partitions, replication_factor, config."
  value       = module.streaming.topics
}

output "throughput" {
  description = "The stated peak of each source table, from which partitions follow."
  value       = var.throughput
}

output "kafka" {
  description = "The cluster: kind, ARN, brokers for IAM over TLS."
  value = {
    kind              = module.streaming.kind
    cluster_arn       = module.streaming.cluster_arn
    bootstrap_brokers = module.streaming.bootstrap_brokers_iam
  }
}

output "warehouse" {
  description = "The warehouse: its address (settings warehouse_uri and copy_role), host and port, the role of the operator, the decoding function."
  value = {
    uri               = module.warehouse.data_api_uri
    copy_role_arn     = module.warehouse.role_arn
    endpoint          = module.warehouse.endpoint
    operator_role_arn = module.warehouse.operator_role_arn
    function          = module.warehouse.udf_function_name
  }
}

output "registry" {
  description = "The schema registry as the code names it, and its name at Glue."
  value       = { address = "glue", name = module.capture.registry_name }
}

output "source_secret" {
  description = "The secret that takes the password of the login debezium, as {\"password\": \"…\"}."
  value       = module.capture.secret_name
}

output "source_way" {
  description = "For the other side of the way to the source: public addresses of the VPN's tunnels, the peering to accept."
  value = {
    vpn_tunnel_addresses = flatten(module.source_network[*].vpn_tunnel_addresses)
    peering_id           = join("", module.source_network[*].peering_id)
  }
}

output "athena_workgroup" {
  description = "The workgroup that queries of the lake run in."
  value       = module.catalog.athena_workgroup
}

output "reader_policy_arns" {
  description = "Policies to attach to people's roles: analyst, engineer."
  value       = module.catalog.reader_policy_arns
}

output "alarm_topic_arn" {
  description = "The topic that alarms tell."
  value       = module.watching.alarm_topic_arn
}

output "dashboard_names" {
  description = "Dashboards by part."
  value       = module.watching.dashboard_names
}

output "backup_vault" {
  description = "The vault of recovery points."
  value       = module.safety.vault_name
}

output "objectives" {
  description = "Recovery objectives in hours."
  value       = module.safety.objectives
}
