output "vault_name" {
  description = "The vault of recovery points."
  value       = aws_backup_vault.this.name
}

output "vault_arn" {
  description = "Its ARN."
  value       = aws_backup_vault.this.arn
}

output "objectives" {
  description = "Recovery objectives in hours: data that may be lost, time until it works again."
  value       = var.objectives
}
