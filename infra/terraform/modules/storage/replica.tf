# The lake in another region: each object, as it is written, under a key of that region.

locals {
  replica     = var.replica.enabled ? 1 : 0
  replica_arn = "arn:${data.aws_partition.this.partition}:s3:::${var.name}-replica"
  lake_arn    = "arn:${data.aws_partition.this.partition}:s3:::${var.name}"
}

resource "aws_s3_bucket" "replica" {
  # checkov:skip=CKV_AWS_144:it is the copy
  # checkov:skip=CKV_AWS_18:nobody reads it but to restore; CloudTrail has that
  # checkov:skip=CKV2_AWS_62:no event of an object starts anything
  count         = local.replica
  provider      = aws.replica
  bucket        = "${var.name}-replica"
  force_destroy = var.force_destroy
}

resource "aws_s3_bucket_ownership_controls" "replica" {
  count    = local.replica
  provider = aws.replica
  bucket   = aws_s3_bucket.replica[0].id
  rule {
    object_ownership = "BucketOwnerEnforced"
  }
}

resource "aws_s3_bucket_public_access_block" "replica" {
  count                   = local.replica
  provider                = aws.replica
  bucket                  = aws_s3_bucket.replica[0].id
  block_public_acls       = true
  block_public_policy     = true
  ignore_public_acls      = true
  restrict_public_buckets = true
}

resource "aws_s3_bucket_versioning" "replica" {
  count    = local.replica
  provider = aws.replica
  bucket   = aws_s3_bucket.replica[0].id
  versioning_configuration {
    status = "Enabled"
  }
}

resource "aws_s3_bucket_server_side_encryption_configuration" "replica" {
  count    = local.replica
  provider = aws.replica
  bucket   = aws_s3_bucket.replica[0].id
  rule {
    bucket_key_enabled = true
    apply_server_side_encryption_by_default {
      sse_algorithm     = "aws:kms"
      kms_master_key_id = var.replica.kms_key_arn
    }
  }
}

resource "aws_s3_bucket_lifecycle_configuration" "replica" {
  count    = local.replica
  provider = aws.replica
  bucket   = aws_s3_bucket.replica[0].id

  rule {
    id     = "old-versions"
    status = "Enabled"
    filter {}
    noncurrent_version_expiration {
      noncurrent_days = var.noncurrent_days
    }
    abort_incomplete_multipart_upload {
      days_after_initiation = 7
    }
    dynamic "transition" {
      for_each = var.replica.archive_days > 0 ? [var.replica.archive_days] : []
      content {
        days          = transition.value
        storage_class = "DEEP_ARCHIVE"
      }
    }
  }

  # As in the lake itself: what is taken out there after its time stays no longer here.
  dynamic "rule" {
    for_each = { for name, rule in local.lake_rules : name => rule if rule.days != null }
    content {
      id     = rule.key
      status = "Enabled"
      filter {
        prefix = rule.value.prefix
      }
      expiration {
        days = rule.value.days
      }
    }
  }
  depends_on = [aws_s3_bucket_versioning.replica]
}

data "aws_iam_policy_document" "replica_bucket" {
  count = local.replica
  statement {
    sid       = "OnlyByTls"
    effect    = "Deny"
    actions   = ["s3:*"]
    resources = [local.replica_arn, "${local.replica_arn}/*"]
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

resource "aws_s3_bucket_policy" "replica" {
  count      = local.replica
  provider   = aws.replica
  bucket     = aws_s3_bucket.replica[0].id
  policy     = data.aws_iam_policy_document.replica_bucket[0].json
  depends_on = [aws_s3_bucket_public_access_block.replica]
}

data "aws_iam_policy_document" "replication_trust" {
  count = local.replica
  statement {
    sid     = "S3OfThisAccount"
    actions = ["sts:AssumeRole"]
    principals {
      type        = "Service"
      identifiers = ["s3.amazonaws.com"]
    }
    condition {
      test     = "StringEquals"
      variable = "aws:SourceAccount"
      values   = [data.aws_caller_identity.this.account_id]
    }
  }
}

data "aws_iam_policy_document" "replication" {
  count = local.replica
  statement {
    sid       = "ReadConfiguration"
    actions   = ["s3:GetReplicationConfiguration", "s3:ListBucket"]
    resources = [local.lake_arn]
  }
  statement {
    sid       = "ReadVersions"
    actions   = ["s3:GetObjectVersionAcl", "s3:GetObjectVersionForReplication", "s3:GetObjectVersionTagging"]
    resources = ["${local.lake_arn}/*"]
  }
  statement {
    sid       = "WriteCopies"
    actions   = ["s3:ReplicateDelete", "s3:ReplicateObject", "s3:ReplicateTags"]
    resources = ["${local.replica_arn}/*"]
  }
  statement {
    sid       = "ReadUnderTheLakesKey"
    actions   = ["kms:Decrypt"]
    resources = [var.kms_key_arns["data"]]
  }
  statement {
    sid       = "WriteUnderTheCopysKey"
    actions   = ["kms:Encrypt", "kms:GenerateDataKey"]
    resources = [var.replica.kms_key_arn]
  }
}

resource "aws_iam_role" "replication" {
  count              = local.replica
  name               = "${var.name}-replication"
  description        = "Copies the lake to another region."
  assume_role_policy = data.aws_iam_policy_document.replication_trust[0].json
}

resource "aws_iam_role_policy" "replication" {
  count  = local.replica
  name   = "replication"
  role   = aws_iam_role.replication[0].name
  policy = data.aws_iam_policy_document.replication[0].json
}

resource "aws_s3_bucket_replication_configuration" "lake" {
  count  = local.replica
  bucket = aws_s3_bucket.this["lake"].id
  role   = aws_iam_role.replication[0].arn

  rule {
    id       = "whole-lake"
    status   = "Enabled"
    priority = 1
    filter {}

    delete_marker_replication {
      status = "Enabled"
    }
    source_selection_criteria {
      sse_kms_encrypted_objects {
        status = "Enabled"
      }
    }
    destination {
      bucket = local.replica_arn
      encryption_configuration {
        replica_kms_key_id = var.replica.kms_key_arn
      }
      # Objects are there within a quarter of an hour, and a metric tells when not.
      replication_time {
        status = "Enabled"
        time {
          minutes = 15
        }
      }
      metrics {
        status = "Enabled"
        event_threshold {
          minutes = 15
        }
      }
    }
  }
  depends_on = [aws_s3_bucket_versioning.this, aws_s3_bucket_versioning.replica, aws_iam_role_policy.replication]
}
