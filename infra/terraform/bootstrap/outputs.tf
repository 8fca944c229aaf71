output "state_bucket" {
  description = "The bucket of the state: the workflows' variable STATE_BUCKET."
  value       = aws_s3_bucket.state.id
}

output "plan_role_arn" {
  description = "The role that only reads: AWS_PLAN_ROLE_ARN."
  value       = aws_iam_role.this["plan"].arn
}

output "deploy_role_arn" {
  description = "The role that deploys: AWS_DEPLOY_ROLE_ARN."
  value       = aws_iam_role.this["deploy"].arn
}
