output "key_arns" {
  description = "Keys by use: data, logs, secrets, stream."
  value       = { for use, key in aws_kms_key.this : use => key.arn }
}

output "replica_key_arn" {
  description = "Key of the copies in the other region; empty where there are none."
  value       = one(aws_kms_key.replica[*].arn) == null ? "" : one(aws_kms_key.replica[*].arn)
}
