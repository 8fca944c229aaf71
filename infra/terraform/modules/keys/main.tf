# Customer keys, one for each kind of data, so that who may read logs may not read the lake.

data "aws_partition" "this" {}
data "aws_region" "this" {}
data "aws_caller_identity" "this" {}

locals {
  account = data.aws_caller_identity.this.account_id
  arn     = "arn:${data.aws_partition.this.partition}"
  keys = {
    data    = "The lake, the catalog and the warehouse of ${var.name}."
    logs    = "Logs of ${var.name}."
    secrets = "Secrets of ${var.name}."
    stream  = "Brokers' disks of ${var.name}."
  }

  # What AWS's default key policy allows to the account by kms:*, spelled out.
  account_actions = [
    "kms:CancelKeyDeletion", "kms:CreateAlias", "kms:CreateGrant", "kms:Decrypt", "kms:DeleteAlias", "kms:DescribeKey",
    "kms:DisableKey", "kms:DisableKeyRotation", "kms:EnableKey", "kms:EnableKeyRotation", "kms:Encrypt",
    "kms:GenerateDataKey", "kms:GenerateDataKeyPair", "kms:GenerateDataKeyPairWithoutPlaintext",
    "kms:GenerateDataKeyWithoutPlaintext", "kms:GetKeyPolicy", "kms:GetKeyRotationStatus", "kms:ListAliases",
    "kms:ListGrants", "kms:ListKeyPolicies", "kms:ListKeyRotations", "kms:ListResourceTags", "kms:PutKeyPolicy",
    "kms:ReEncryptFrom", "kms:ReEncryptTo", "kms:RetireGrant", "kms:RevokeGrant", "kms:RotateKeyOnDemand",
    "kms:ScheduleKeyDeletion", "kms:TagResource", "kms:UntagResource", "kms:UpdateAlias", "kms:UpdateKeyDescription",
  ]
}

data "aws_iam_policy_document" "key" {
  # checkov:skip=CKV_AWS_111:a key's policy names the key itself by *
  # checkov:skip=CKV_AWS_356:a key's policy names the key itself by *
  for_each = local.keys

  statement {
    sid       = "AccountByItsPolicies"
    actions   = local.account_actions
    resources = ["*"] # in a key's policy, the key itself
    principals {
      type        = "AWS"
      identifiers = ["${local.arn}:iam::${local.account}:root"]
    }
  }

  dynamic "statement" {
    for_each = each.key == "logs" ? [1] : []
    content {
      sid       = "LogGroupsOfThisAccount"
      actions   = ["kms:Decrypt", "kms:DescribeKey", "kms:Encrypt", "kms:GenerateDataKey", "kms:ReEncryptFrom", "kms:ReEncryptTo"]
      resources = ["*"] # in a key's policy, the key itself
      principals {
        type        = "Service"
        identifiers = ["logs.${data.aws_region.this.name}.amazonaws.com"]
      }
      condition {
        test     = "ArnLike"
        variable = "kms:EncryptionContext:aws:logs:arn"
        values   = ["${local.arn}:logs:${data.aws_region.this.name}:${local.account}:log-group:*"]
      }
    }
  }

  # A state machine under this key writes its log by the log service's delivery (Step Functions, "Data at rest encryption").
  dynamic "statement" {
    for_each = each.key == "data" ? [1] : []
    content {
      sid       = "LogsOfStateMachines"
      actions   = ["kms:Decrypt"]
      resources = ["*"] # in a key's policy, the key itself
      principals {
        type        = "Service"
        identifiers = ["delivery.logs.amazonaws.com"]
      }
      condition {
        test     = "StringLike"
        variable = "kms:EncryptionContext:SourceArn"
        values   = ["${local.arn}:logs:${data.aws_region.this.name}:${local.account}:*"]
      }
    }
  }
}

resource "aws_kms_key" "this" {
  for_each                = local.keys
  description             = each.value
  enable_key_rotation     = true
  deletion_window_in_days = var.deletion_window_days
  policy                  = data.aws_iam_policy_document.key[each.key].json
}

resource "aws_kms_alias" "this" {
  for_each      = local.keys
  name          = "alias/${var.name}-${each.key}"
  target_key_id = aws_kms_key.this[each.key].key_id
}

resource "aws_kms_key" "replica" {
  count                   = var.replica ? 1 : 0
  provider                = aws.replica
  description             = "Copies of ${var.name}."
  enable_key_rotation     = true
  deletion_window_in_days = var.deletion_window_days
  policy                  = data.aws_iam_policy_document.key["data"].json
}

resource "aws_kms_alias" "replica" {
  count         = var.replica ? 1 : 0
  provider      = aws.replica
  name          = "alias/${var.name}-replica"
  target_key_id = aws_kms_key.replica[0].key_id
}
