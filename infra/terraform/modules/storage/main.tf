# Buckets: the lake; releases; logs and query results; access logs of the others. All alike but for what `buckets` says.

data "aws_caller_identity" "this" {}
data "aws_partition" "this" {}

locals {
  # S3 writes access logs only into a bucket that it encrypts by its own key (S3, "Enabling server access logging").
  buckets = {
    lake      = { name = var.name, key = var.kms_key_arns["data"] }
    artifacts = { name = "${var.name}-artifacts", key = var.kms_key_arns["data"] }
    logs      = { name = "${var.name}-logs", key = var.kms_key_arns["logs"] }
    access    = { name = "${var.name}-access-logs", key = null }
  }
}

resource "aws_s3_bucket" "this" {
  # checkov:skip=CKV_AWS_144:only the lake is copied to another region, and that is an option (replica.tf)
  # checkov:skip=CKV_AWS_145:access logs cannot be under a customer key; every other bucket is
  # checkov:skip=CKV_AWS_18:the bucket of access logs does not log itself; every other bucket does
  # checkov:skip=CKV2_AWS_61:every bucket has one (lifecycle.tf); the check does not follow for_each
  # checkov:skip=CKV2_AWS_62:hops follow manifests, on a clock; no event of an object starts anything
  for_each      = local.buckets
  bucket        = each.value.name
  force_destroy = var.force_destroy
}

resource "aws_s3_bucket_ownership_controls" "this" {
  for_each = local.buckets
  bucket   = aws_s3_bucket.this[each.key].id
  rule {
    object_ownership = "BucketOwnerEnforced"
  }
}

resource "aws_s3_bucket_public_access_block" "this" {
  for_each                = local.buckets
  bucket                  = aws_s3_bucket.this[each.key].id
  block_public_acls       = true
  block_public_policy     = true
  ignore_public_acls      = true
  restrict_public_buckets = true
}

resource "aws_s3_bucket_versioning" "this" {
  for_each = local.buckets
  bucket   = aws_s3_bucket.this[each.key].id
  versioning_configuration {
    status = "Enabled"
  }
}

resource "aws_s3_bucket_server_side_encryption_configuration" "this" {
  for_each = local.buckets
  bucket   = aws_s3_bucket.this[each.key].id
  rule {
    bucket_key_enabled = each.value.key != null
    apply_server_side_encryption_by_default {
      sse_algorithm     = each.value.key == null ? "AES256" : "aws:kms"
      kms_master_key_id = each.value.key
    }
  }
}

resource "aws_s3_bucket_logging" "this" {
  for_each      = { for use, bucket in local.buckets : use => bucket if use != "access" }
  bucket        = aws_s3_bucket.this[each.key].id
  target_bucket = aws_s3_bucket.this["access"].id
  target_prefix = "${each.key}/"
  depends_on    = [aws_s3_bucket_policy.this]
}

# Policies name buckets by ARNs made of names, so that a policy is known when it is planned.
data "aws_iam_policy_document" "bucket" {
  for_each = local.buckets

  statement {
    sid       = "OnlyByTls"
    effect    = "Deny"
    actions   = ["s3:*"]
    resources = ["arn:${data.aws_partition.this.partition}:s3:::${each.value.name}", "arn:${data.aws_partition.this.partition}:s3:::${each.value.name}/*"]
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

  statement {
    sid       = "OnlyByTls12"
    effect    = "Deny"
    actions   = ["s3:*"]
    resources = ["arn:${data.aws_partition.this.partition}:s3:::${each.value.name}", "arn:${data.aws_partition.this.partition}:s3:::${each.value.name}/*"]
    principals {
      type        = "AWS"
      identifiers = ["*"]
    }
    condition {
      test     = "NumericLessThan"
      variable = "s3:TlsVersion"
      values   = ["1.2"]
    }
  }

  dynamic "statement" {
    for_each = each.key == "access" ? [1] : []
    content {
      sid       = "AccessLogs"
      actions   = ["s3:PutObject"]
      resources = ["arn:${data.aws_partition.this.partition}:s3:::${each.value.name}/*"]
      principals {
        type        = "Service"
        identifiers = ["logging.s3.amazonaws.com"]
      }
      condition {
        test     = "StringEquals"
        variable = "aws:SourceAccount"
        values   = [data.aws_caller_identity.this.account_id]
      }
    }
  }
}

resource "aws_s3_bucket_policy" "this" {
  for_each   = local.buckets
  bucket     = aws_s3_bucket.this[each.key].id
  policy     = data.aws_iam_policy_document.bucket[each.key].json
  depends_on = [aws_s3_bucket_public_access_block.this]
}
