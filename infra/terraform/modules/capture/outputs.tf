output "registry_name" {
  description = "The Glue Schema Registry."
  value       = aws_glue_registry.this.registry_name
}

output "registry_arn" {
  description = "Its ARN."
  value       = aws_glue_registry.this.arn
}

output "connector_arns" {
  description = "Connectors by kind; empty where no source database is stated."
  value       = { for connector in aws_mskconnect_connector.sqlserver : "sqlserver" => connector.arn }
}

output "secret_name" {
  description = "The secret that takes the password of the login debezium, as {\"password\": \"…\"}."
  value       = aws_secretsmanager_secret.debezium.name
}
