output "lake_bucket" {
  description = "The lake's bucket."
  value       = { name = aws_s3_bucket.this["lake"].bucket, arn = aws_s3_bucket.this["lake"].arn }
}

output "artifacts_bucket" {
  description = "The bucket of releases."
  value       = { name = aws_s3_bucket.this["artifacts"].bucket, arn = aws_s3_bucket.this["artifacts"].arn }
}

output "logs_bucket" {
  description = "The bucket of Spark's event logs and of query results."
  value       = { name = aws_s3_bucket.this["logs"].bucket, arn = aws_s3_bucket.this["logs"].arn }
}

output "replica_bucket" {
  description = "The copy in the other region; empty where there is none."
  value       = local.replica == 1 ? aws_s3_bucket.replica[0].bucket : ""
}
