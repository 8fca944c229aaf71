# The warehouse: one variable says whether it is serverless or a cluster.

data "aws_partition" "this" {}
data "aws_region" "this" {}
data "aws_caller_identity" "this" {}

locals {
  serverless = var.kind == "serverless"
  account    = "${data.aws_region.this.name}:${data.aws_caller_identity.this.account_id}"
  arn        = "arn:${data.aws_partition.this.partition}"
  exports    = ["connectionlog", "userlog", "useractivitylog"]
  log_folder = local.serverless ? "/aws/redshift/${var.name}" : "/aws/redshift/cluster/${var.name}"

  # By kind: who is asked for credentials, and what statements are run on.
  target_arn      = local.serverless ? aws_redshiftserverless_workgroup.this[0].arn : aws_redshift_cluster.this[0].arn
  credentials_arn = local.serverless ? aws_redshiftserverless_workgroup.this[0].arn : "${local.arn}:redshift:${local.account}:dbname:${var.name}/${var.database}"
  credentials     = local.serverless ? "redshift-serverless:GetCredentials" : "redshift:GetClusterCredentialsWithIAM"
  target          = local.serverless ? { WorkgroupName = var.name, Database = var.database } : { ClusterIdentifier = var.name, Database = var.database }
}

# Made before Redshift would make them, without a key and for ever.
resource "aws_cloudwatch_log_group" "audit" {
  for_each          = toset(local.exports)
  name              = "${local.log_folder}/${each.key}"
  retention_in_days = var.log_retention_days
  kms_key_id        = var.kms_key_arns["logs"]
}

resource "aws_redshiftserverless_namespace" "this" {
  count                            = local.serverless ? 1 : 0
  namespace_name                   = var.name
  db_name                          = var.database
  admin_username                   = "lake_admin"
  manage_admin_password            = true
  admin_password_secret_kms_key_id = var.kms_key_arns["secrets"]
  kms_key_id                       = var.kms_key_arns["data"]
  iam_roles                        = [aws_iam_role.warehouse.arn]
  default_iam_role_arn             = aws_iam_role.warehouse.arn
  log_exports                      = local.exports
  depends_on                       = [aws_cloudwatch_log_group.audit]
}

resource "aws_redshiftserverless_workgroup" "this" {
  count                = local.serverless ? 1 : 0
  namespace_name       = aws_redshiftserverless_namespace.this[0].namespace_name
  workgroup_name       = var.name
  base_capacity        = var.serverless.base_capacity
  max_capacity         = var.serverless.most_capacity
  enhanced_vpc_routing = true
  publicly_accessible  = false
  subnet_ids           = var.private_subnet_ids
  security_group_ids   = [var.security_group_ids["redshift"]]

  config_parameter {
    parameter_key   = "require_ssl"
    parameter_value = "true"
  }
  config_parameter {
    parameter_key   = "enable_user_activity_logging"
    parameter_value = "true"
  }
}

resource "aws_redshiftserverless_usage_limit" "this" {
  for_each      = { for limit in var.usage_limits : limit.name => limit if local.serverless && limit.feature == "serverless-compute" }
  resource_arn  = aws_redshiftserverless_workgroup.this[0].arn
  usage_type    = each.value.feature
  amount        = each.value.amount
  period        = each.value.period
  breach_action = each.value.action
}

resource "aws_redshift_subnet_group" "this" {
  count       = local.serverless ? 0 : 1
  name        = var.name
  description = "Private subnets of the warehouse."
  subnet_ids  = var.private_subnet_ids
}

resource "aws_redshift_parameter_group" "this" {
  count       = local.serverless ? 0 : 1
  name        = var.name
  description = "TLS for everyone, activity logged, queries that wait go to scaling clusters."
  family      = "redshift-1.0"

  parameter {
    name  = "require_ssl"
    value = "true"
  }
  parameter {
    name  = "enable_user_activity_logging"
    value = "true"
  }
  parameter {
    name  = "max_concurrency_scaling_clusters"
    value = tostring(var.provisioned.scaling_clusters)
  }
  parameter {
    name  = "wlm_json_configuration"
    value = jsonencode([{ auto_wlm = true, concurrency_scaling = "auto", priority = "normal", queue_type = "auto" }, { short_query_queue = true }])
  }
}

resource "aws_redshift_cluster" "this" {
  # checkov:skip=CKV_AWS_71:aws_redshift_logging below sends the logs to CloudWatch
  count                                = local.serverless ? 0 : 1
  cluster_identifier                   = var.name
  cluster_type                         = "multi-node"
  node_type                            = var.provisioned.node_type
  number_of_nodes                      = var.provisioned.nodes
  multi_az                             = var.provisioned.multi_az
  availability_zone_relocation_enabled = !var.provisioned.multi_az
  database_name                        = var.database
  master_username                      = "lake_admin"
  manage_master_password               = true
  master_password_secret_kms_key_id    = var.kms_key_arns["secrets"]
  encrypted                            = true
  kms_key_id                           = var.kms_key_arns["data"]
  enhanced_vpc_routing                 = true
  publicly_accessible                  = false
  allow_version_upgrade                = true
  cluster_subnet_group_name            = aws_redshift_subnet_group.this[0].name
  cluster_parameter_group_name         = aws_redshift_parameter_group.this[0].name
  vpc_security_group_ids               = [var.security_group_ids["redshift"]]
  iam_roles                            = [aws_iam_role.warehouse.arn]
  default_iam_role_arn                 = aws_iam_role.warehouse.arn
  preferred_maintenance_window         = var.provisioned.maintenance
  automated_snapshot_retention_period  = var.provisioned.snapshot_days
  manual_snapshot_retention_period     = var.provisioned.snapshot_days
  skip_final_snapshot                  = !var.deletion_protection
  final_snapshot_identifier            = var.deletion_protection ? "${var.name}-last" : null

  lifecycle {
    # A scheduled resize is no drift.
    ignore_changes = [number_of_nodes]
  }
}

resource "aws_redshift_logging" "this" {
  count                = local.serverless ? 0 : 1
  cluster_identifier   = aws_redshift_cluster.this[0].id
  log_destination_type = "cloudwatch"
  log_exports          = local.exports
  depends_on           = [aws_cloudwatch_log_group.audit]
}

resource "aws_redshift_usage_limit" "this" {
  for_each           = { for limit in var.usage_limits : limit.name => limit if !local.serverless && limit.feature == "concurrency-scaling" }
  cluster_identifier = aws_redshift_cluster.this[0].id
  feature_type       = each.value.feature
  limit_type         = "time"
  amount             = each.value.amount
  period             = each.value.period
  breach_action      = each.value.action
}
