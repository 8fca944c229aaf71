output "kind" {
  description = "serverless or provisioned."
  value       = var.kind
}

output "cluster_arn" {
  description = "The cluster."
  value       = local.arn
}

output "cluster_name" {
  description = "Its name."
  value       = var.name
}

output "brokers" {
  description = "Number of brokers; 0 where the cluster is serverless."
  value       = local.serverless ? 0 : 3 * var.provisioned.brokers_per_zone
}

output "bootstrap_brokers_iam" {
  description = "Brokers that clients begin with, for IAM over TLS."
  value       = local.serverless ? data.aws_msk_bootstrap_brokers.serverless[0].bootstrap_brokers_sasl_iam : aws_msk_cluster.this[0].bootstrap_brokers_sasl_iam
}

output "topic_arn_prefix" {
  description = "ARN of a topic, but for its name."
  value       = "${replace(local.arn, ":cluster/", ":topic/")}/"
}

output "group_arn_prefix" {
  description = "ARN of a consumer group, but for its name."
  value       = "${replace(local.arn, ":cluster/", ":group/")}/"
}

output "transaction_arn_prefix" {
  description = "ARN of a transactional id, but for its name."
  value       = "${replace(local.arn, ":cluster/", ":transactional-id/")}/"
}

output "topics" {
  description = "Topics as they must be, by name: partitions, replication_factor, config."
  value       = local.topics
}
