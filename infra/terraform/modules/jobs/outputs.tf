output "job_names" {
  description = "Names of the Glue jobs by entry."
  value       = { for entry, job in aws_glue_job.this : entry => job.name }
}

output "role_arns" {
  description = "Roles of the jobs by entry."
  value       = { for entry, role in aws_iam_role.job : entry => role.arn }
}

output "log_groups" {
  description = "Log groups of what the jobs print, by entry."
  value       = { for entry in keys(local.arguments) : entry => aws_cloudwatch_log_group.job["${entry}/output"].name }
}

output "state_machine_arns" {
  description = "State machines: route (hops 2 to 4) and stream (keeps the streaming job running)."
  value       = { for name, machine in aws_sfn_state_machine.this : name => machine.arn }
}
