# Snapshots of a cluster, their copies in another region, and elastic resizes by the clock. A serverless warehouse has
# recovery points of its own; AWS Backup (module safety) keeps and copies its snapshots.

resource "aws_redshift_snapshot_schedule" "this" {
  count       = local.serverless ? 0 : 1
  identifier  = var.name
  description = "Automated snapshots."
  definitions = [var.provisioned.snapshot_cron]
}

resource "aws_redshift_snapshot_schedule_association" "this" {
  count               = local.serverless ? 0 : 1
  cluster_identifier  = aws_redshift_cluster.this[0].id
  schedule_identifier = aws_redshift_snapshot_schedule.this[0].id
}

resource "aws_redshift_snapshot_copy_grant" "this" {
  count                    = !local.serverless && var.snapshot_copy.days > 0 ? 1 : 0
  provider                 = aws.replica
  snapshot_copy_grant_name = var.name
  kms_key_id               = var.snapshot_copy.kms_key_arn
}

resource "aws_redshift_snapshot_copy" "this" {
  count                            = !local.serverless && var.snapshot_copy.days > 0 ? 1 : 0
  cluster_identifier               = aws_redshift_cluster.this[0].id
  destination_region               = var.snapshot_copy.region
  retention_period                 = var.snapshot_copy.days
  manual_snapshot_retention_period = var.snapshot_copy.days
  snapshot_copy_grant_name         = aws_redshift_snapshot_copy_grant.this[0].snapshot_copy_grant_name
}

locals {
  resizes = local.serverless ? {} : var.provisioned.resizes
}

resource "aws_redshift_scheduled_action" "resize" {
  for_each    = local.resizes
  name        = "${var.name}-${each.key}"
  description = "Elastic resize to ${each.value.nodes} nodes."
  schedule    = each.value.schedule
  iam_role    = aws_iam_role.resize[0].arn

  target_action {
    resize_cluster {
      cluster_identifier = aws_redshift_cluster.this[0].cluster_identifier
      classic            = false
      number_of_nodes    = each.value.nodes
    }
  }
}

data "aws_iam_policy_document" "resize_trust" {
  statement {
    sid     = "RedshiftsScheduler"
    actions = ["sts:AssumeRole"]
    principals {
      type        = "Service"
      identifiers = ["scheduler.redshift.amazonaws.com"]
    }
    condition {
      test     = "StringEquals"
      variable = "aws:SourceAccount"
      values   = [data.aws_caller_identity.this.account_id]
    }
  }
}

resource "aws_iam_role" "resize" {
  count              = length(local.resizes) > 0 ? 1 : 0
  name               = "${var.name}-resize"
  description        = "Resizes the warehouse by the clock."
  assume_role_policy = data.aws_iam_policy_document.resize_trust.json
}

data "aws_iam_policy_document" "resize" {
  count = length(local.resizes) > 0 ? 1 : 0
  statement {
    sid       = "ResizeWarehouse"
    actions   = ["redshift:DescribeClusters", "redshift:ResizeCluster"]
    resources = ["${local.arn}:redshift:${local.account}:cluster:${var.name}"]
  }
}

resource "aws_iam_role_policy" "resize" {
  count  = length(local.resizes) > 0 ? 1 : 0
  name   = "resize"
  role   = aws_iam_role.resize[0].name
  policy = data.aws_iam_policy_document.resize[0].json
}
