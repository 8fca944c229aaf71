# The topic that every alarm tells, and who may write to it.

data "aws_partition" "this" {}
data "aws_region" "this" {}
data "aws_caller_identity" "this" {}

locals {
  account = data.aws_caller_identity.this.account_id
  arn     = "arn:${data.aws_partition.this.partition}"
  tellers = ["cloudwatch.amazonaws.com", "budgets.amazonaws.com", "costalerts.amazonaws.com"]
}

# A key of its own: the services that tell of alarms need it, and no other.
resource "aws_kms_key" "alarms" {
  description             = "Alarms of ${var.name}."
  enable_key_rotation     = true
  deletion_window_in_days = 30
  policy                  = data.aws_iam_policy_document.key.json
}

resource "aws_kms_alias" "alarms" {
  name          = "alias/${var.name}-alarms"
  target_key_id = aws_kms_key.alarms.key_id
}

data "aws_iam_policy_document" "key" {
  # checkov:skip=CKV_AWS_109:a key's policy names the key itself by *
  # checkov:skip=CKV_AWS_111:a key's policy names the key itself by *
  # checkov:skip=CKV_AWS_356:a key's policy names the key itself by *
  statement {
    sid = "AccountByItsPolicies"
    # What AWS's default key policy allows by kms:*, spelled out.
    actions = [
      "kms:CancelKeyDeletion", "kms:CreateAlias", "kms:CreateGrant", "kms:Decrypt", "kms:DeleteAlias", "kms:DescribeKey",
      "kms:DisableKey", "kms:EnableKey", "kms:EnableKeyRotation", "kms:Encrypt", "kms:GenerateDataKey",
      "kms:GetKeyPolicy", "kms:GetKeyRotationStatus", "kms:ListAliases", "kms:ListGrants", "kms:ListResourceTags",
      "kms:PutKeyPolicy", "kms:ScheduleKeyDeletion", "kms:TagResource", "kms:UntagResource", "kms:UpdateAlias",
      "kms:UpdateKeyDescription",
    ]
    resources = ["*"] # in a key's policy, the key itself
    principals {
      type        = "AWS"
      identifiers = ["${local.arn}:iam::${local.account}:root"]
    }
  }

  statement {
    sid       = "ServicesThatTell"
    actions   = ["kms:Decrypt", "kms:GenerateDataKey"]
    resources = ["*"] # in a key's policy, the key itself
    principals {
      type        = "Service"
      identifiers = local.tellers
    }
    condition {
      test     = "StringEquals"
      variable = "aws:SourceAccount"
      values   = [local.account]
    }
  }

  # EventBridge names neither rule nor account to KMS; whose events reach the topic, the topic's policy says.
  statement {
    sid       = "Events"
    actions   = ["kms:Decrypt", "kms:GenerateDataKey"]
    resources = ["*"] # in a key's policy, the key itself
    principals {
      type        = "Service"
      identifiers = ["events.amazonaws.com"]
    }
  }
}

resource "aws_sns_topic" "alarms" {
  name              = "${var.name}-alarms"
  display_name      = "Alarms of ${var.name}"
  kms_master_key_id = aws_kms_key.alarms.arn
}

data "aws_iam_policy_document" "topic" {
  statement {
    sid       = "ServicesThatTell"
    actions   = ["sns:Publish"]
    resources = [aws_sns_topic.alarms.arn]
    principals {
      type        = "Service"
      identifiers = local.tellers
    }
    condition {
      test     = "StringEquals"
      variable = "aws:SourceAccount"
      values   = [local.account]
    }
  }

  statement {
    sid       = "OurRules"
    actions   = ["sns:Publish"]
    resources = [aws_sns_topic.alarms.arn]
    principals {
      type        = "Service"
      identifiers = ["events.amazonaws.com"]
    }
    condition {
      test     = "ArnEquals"
      variable = "aws:SourceArn"
      values   = [for rule in aws_cloudwatch_event_rule.failed : rule.arn]
    }
  }

  statement {
    sid       = "OnlyByTls"
    effect    = "Deny"
    actions   = ["sns:Publish"]
    resources = [aws_sns_topic.alarms.arn]
    principals {
      type        = "AWS"
      identifiers = ["*"]
    }
    condition {
      test     = "Bool"
      variable = "aws:SecureTransport"
      values   = ["false"]
    }
  }
}

resource "aws_sns_topic_policy" "alarms" {
  arn    = aws_sns_topic.alarms.arn
  policy = data.aws_iam_policy_document.topic.json
}

resource "aws_sns_topic_subscription" "mail" {
  for_each  = toset(var.emails)
  topic_arn = aws_sns_topic.alarms.arn
  protocol  = "email"
  endpoint  = each.key
}

# Runs of Glue and backups tell of their end as events; a failed one is told on.
locals {
  events = {
    jobs = {
      source      = ["aws.glue"]
      detail-type = ["Glue Job State Change"]
      detail      = { jobName = values(var.job_names), state = ["FAILED", "TIMEOUT", "ERROR"] }
    }
    backups = {
      source      = ["aws.backup"]
      detail-type = ["Backup Job State Change", "Copy Job State Change", "Restore Job State Change"]
      detail      = { "$or" = [{ state = ["FAILED", "ABORTED", "EXPIRED"] }, { status = ["FAILED", "ABORTED", "EXPIRED"] }] }
    }
  }
}

resource "aws_cloudwatch_event_rule" "failed" {
  for_each      = local.events
  name          = "${var.name}-failed-${each.key}"
  description   = "What failed of ${each.key}."
  event_pattern = jsonencode(each.value)
}

resource "aws_cloudwatch_event_target" "failed" {
  for_each  = local.events
  rule      = aws_cloudwatch_event_rule.failed[each.key].name
  target_id = "alarms"
  arn       = aws_sns_topic.alarms.arn
}
