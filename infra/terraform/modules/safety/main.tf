# Recovery points of the lake's bucket and of the warehouse. The warehouse and everything behind landing can be made again
# from landing (docs/operations.md), so that the bucket is what must never be lost.

data "aws_partition" "this" {}
data "aws_caller_identity" "this" {}

locals {
  policies = "arn:${data.aws_partition.this.partition}:iam::aws:policy"
}

resource "aws_backup_vault" "this" {
  name        = var.name
  kms_key_arn = var.kms_key_arn
}

resource "aws_backup_vault_lock_configuration" "this" {
  count               = var.lock ? 1 : 0
  backup_vault_name   = aws_backup_vault.this.name
  min_retention_days  = 7
  max_retention_days  = var.keep_days
  changeable_for_days = 3
}

resource "aws_backup_plan" "this" {
  name = var.name

  rule {
    rule_name                    = "every-${var.objectives.rpo_hours}-hours"
    target_vault_name            = aws_backup_vault.this.name
    schedule                     = var.objectives.rpo_hours == 24 ? "cron(0 1 * * ? *)" : "cron(0 0/${var.objectives.rpo_hours} * * ? *)"
    schedule_expression_timezone = "UTC"
    start_window                 = 60
    completion_window            = max(120, var.objectives.rpo_hours * 60)

    lifecycle {
      delete_after = var.keep_days
    }

    dynamic "copy_action" {
      for_each = var.copy_vault_arn == "" ? [] : [var.copy_vault_arn]
      content {
        destination_vault_arn = copy_action.value
        lifecycle {
          delete_after = var.keep_days
        }
      }
    }
  }
}

# Back to any second of the last days: S3 has it by continuous backup, Redshift has not.
resource "aws_backup_plan" "continuous" {
  name = "${var.name}-continuous"

  rule {
    rule_name                = "any-second"
    target_vault_name        = aws_backup_vault.this.name
    schedule                 = "cron(30 2 * * ? *)"
    enable_continuous_backup = true
    start_window             = 60
    completion_window        = 720

    lifecycle {
      delete_after = min(35, var.keep_days)
    }
  }
}

resource "aws_backup_selection" "this" {
  name         = "lake-and-warehouse"
  plan_id      = aws_backup_plan.this.id
  iam_role_arn = aws_iam_role.backup.arn
  resources    = [var.resources.bucket, var.resources.warehouse]
}

resource "aws_backup_selection" "continuous" {
  name         = "lake"
  plan_id      = aws_backup_plan.continuous.id
  iam_role_arn = aws_iam_role.backup.arn
  resources    = [var.resources.bucket]
}

data "aws_iam_policy_document" "trust" {
  statement {
    sid     = "BackupOfThisAccount"
    actions = ["sts:AssumeRole"]
    principals {
      type        = "Service"
      identifiers = ["backup.amazonaws.com"]
    }
    condition {
      test     = "StringEquals"
      variable = "aws:SourceAccount"
      values   = [data.aws_caller_identity.this.account_id]
    }
  }
}

resource "aws_iam_role" "backup" {
  name               = "${var.name}-backup"
  description        = "Takes and restores recovery points."
  assume_role_policy = data.aws_iam_policy_document.trust.json
}

# AWS's own policies for its own service: what it calls changes with it.
resource "aws_iam_role_policy_attachment" "backup" {
  for_each = toset([
    "service-role/AWSBackupServiceRolePolicyForBackup",
    "service-role/AWSBackupServiceRolePolicyForRestores",
    "AWSBackupServiceRolePolicyForS3Backup",
    "AWSBackupServiceRolePolicyForS3Restore",
  ])
  role       = aws_iam_role.backup.name
  policy_arn = "${local.policies}/${each.key}"
}

resource "aws_backup_restore_testing_plan" "this" {
  count                        = var.rehearse ? 1 : 0
  name                         = replace(var.name, "-", "_")
  schedule_expression          = "cron(0 5 1 * ? *)"
  schedule_expression_timezone = "UTC"
  start_window_hours           = min(168, max(1, var.objectives.rto_hours))

  recovery_point_selection {
    algorithm             = "LATEST_WITHIN_WINDOW"
    include_vaults        = [aws_backup_vault.this.arn]
    recovery_point_types  = ["SNAPSHOT"]
    selection_window_days = 7
  }
}

resource "aws_backup_restore_testing_selection" "bucket" {
  count                     = var.rehearse ? 1 : 0
  name                      = "lake"
  restore_testing_plan_name = aws_backup_restore_testing_plan.this[0].name
  protected_resource_type   = "S3"
  protected_resource_arns   = [var.resources.bucket]
  iam_role_arn              = aws_iam_role.backup.arn
  validation_window_hours   = 4
}
