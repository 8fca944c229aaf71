output "kind" {
  description = "workgroup or cluster, as the Data API's address says it."
  value       = local.serverless ? "workgroup" : "cluster"
}

output "workgroup_or_cluster" {
  description = "Kind and name of what takes statements, and a workgroup's most RPUs (0: a cluster)."
  value       = { kind = local.serverless ? "workgroup" : "cluster", name = var.name, most_capacity = local.serverless ? var.serverless.most_capacity : 0 }
}

output "namespace" {
  description = "Namespace of a serverless warehouse, else the cluster's identifier."
  value       = local.serverless ? aws_redshiftserverless_namespace.this[0].namespace_name : aws_redshift_cluster.this[0].cluster_identifier
}

output "arn" {
  description = "ARN of what takes statements."
  value       = local.target_arn
}

output "backup_arn" {
  description = "ARN of what AWS Backup takes: the namespace or the cluster."
  value       = local.serverless ? aws_redshiftserverless_namespace.this[0].arn : "${local.arn}:redshift:${local.account}:cluster:${var.name}"
}

output "credentials_arn" {
  description = "ARN that credentials are asked for."
  value       = local.credentials_arn
}

output "endpoint" {
  description = "Host and port of the database."
  value       = local.serverless ? join(":", flatten([for one in aws_redshiftserverless_workgroup.this[0].endpoint : [one.address, tostring(one.port)]])) : aws_redshift_cluster.this[0].endpoint
}

output "database" {
  description = "The database."
  value       = var.database
}

output "admin_secret_arn" {
  description = "The administrator's secret, which Redshift turns over by itself."
  value       = local.serverless ? aws_redshiftserverless_namespace.this[0].admin_password_secret_arn : aws_redshift_cluster.this[0].master_password_secret_arn
}

output "data_api_uri" {
  description = "The warehouse's address as the setting warehouse_uri and the jobs take it."
  value       = "redshift-data://${local.serverless ? "workgroup" : "cluster"}/${var.name}/${var.database}"
}

output "role_arn" {
  description = "The warehouse's own role: COPY, streaming, Spectrum, the function."
  value       = aws_iam_role.warehouse.arn
}

output "operator_role_arn" {
  description = "Role to make the streaming views with."
  value       = aws_iam_role.operator.arn
}

output "udf_function_name" {
  description = "The decoding function with its alias, as `lake warehouse stream --function` takes it."
  value       = "${aws_lambda_function.decode.function_name}:${aws_lambda_alias.live.name}"
}

output "state_machine_arns" {
  description = "State machines of the streaming path's upkeep."
  value       = { for name, machine in aws_sfn_state_machine.this : name => machine.arn }
}
