# What is taken out, and when. Iceberg's files and every record of progress (manifests, writer schemas, epochs) are never:
# a rule names the folder of a landed table, not `landing/`, or a table at rest would forget how far it was read.

locals {
  archive = var.archive_days > 0 ? [var.archive_days] : []

  # Folder, days that it is kept (null: for ever). Files go to Glacier unless they are taken out before it pays.
  lake_rules = merge(
    { for table in var.tables : "landing-${table}" => { prefix = "landing/${table}/", days = var.landing_days } },
    {
      loads        = { prefix = "load/", days = null }
      dead-letters = { prefix = "deadletters/", days = null }
    },
  )
}

resource "aws_s3_bucket_lifecycle_configuration" "lake" {
  bucket                                 = aws_s3_bucket.this["lake"].id
  transition_default_minimum_object_size = "all_storage_classes_128K"

  dynamic "rule" {
    for_each = local.lake_rules
    content {
      id     = rule.key
      status = "Enabled"
      filter {
        prefix = rule.value.prefix
      }
      dynamic "transition" {
        for_each = rule.value.days == null ? local.archive : [for days in local.archive : days if days < rule.value.days]
        content {
          days          = transition.value
          storage_class = "GLACIER_IR"
        }
      }
      dynamic "expiration" {
        for_each = rule.value.days == null ? [] : [rule.value.days]
        content {
          days = expiration.value
        }
      }
    }
  }

  rule {
    id     = "old-versions"
    status = "Enabled"
    filter {}
    noncurrent_version_expiration {
      noncurrent_days = var.noncurrent_days
    }
    expiration {
      expired_object_delete_marker = true
    }
    abort_incomplete_multipart_upload {
      days_after_initiation = 7
    }
  }
  depends_on = [aws_s3_bucket_versioning.this]
}

resource "aws_s3_bucket_lifecycle_configuration" "other" {
  # checkov:skip=CKV_AWS_300:the first rule does, for the whole bucket; the check asks it of every rule
  for_each = { artifacts = null, logs = var.log_days, access = var.log_days }
  bucket   = aws_s3_bucket.this[each.key].id

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
  }

  dynamic "rule" {
    for_each = each.value == null ? [] : [each.value]
    content {
      id     = "old-logs"
      status = "Enabled"
      filter {}
      expiration {
        days = rule.value
      }
    }
  }
  depends_on = [aws_s3_bucket_versioning.this]
}
