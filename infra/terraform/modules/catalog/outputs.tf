output "database_names" {
  description = "Databases by zone: landing, staging, curated."
  value       = { for zone, database in aws_glue_catalog_database.this : zone => database.name }
}

output "athena_workgroup" {
  description = "The workgroup that queries of the lake run in."
  value       = aws_athena_workgroup.this.name
}

output "reader_policy_arns" {
  description = "Policies to attach to people's roles: analyst, engineer."
  value       = { for reader, policy in aws_iam_policy.reader : reader => policy.arn }
}

output "crawler_names" {
  description = "Crawlers by what they look at."
  value       = { for part, crawler in aws_glue_crawler.this : part => crawler.name }
}
