# Who reads what: policies to attach to people's roles. An analyst sees the star; an engineer also what came before it.
# Whoever has neither sees nothing, as buckets and key admit nobody by themselves.

locals {
  readers = {
    analyst  = { zones = ["curated"], folders = ["iceberg/${var.databases.curated}.db"] }
    engineer = { zones = ["curated", "staging", "landing"], folders = ["iceberg", "landing", "deadletters", "quality"] }
  }
}

data "aws_iam_policy_document" "reader" {
  for_each = local.readers

  statement {
    sid     = "ReadCatalog"
    actions = ["glue:GetDatabase", "glue:GetPartitions", "glue:GetTable", "glue:GetTables"]
    resources = concat(["${local.catalog}:catalog"], flatten([for zone in each.value.zones : [
      "${local.catalog}:database/${var.databases[zone]}", "${local.catalog}:table/${var.databases[zone]}/*",
    ]]))
  }

  statement {
    sid       = "ListFolders"
    actions   = ["s3:ListBucket"]
    resources = [var.lake_bucket.arn]
    condition {
      test     = "StringLike"
      variable = "s3:prefix"
      values   = flatten([for folder in each.value.folders : [folder, "${folder}/*"]])
    }
  }

  statement {
    sid       = "ReadFolders"
    actions   = ["s3:GetObject"]
    resources = [for folder in each.value.folders : "${var.lake_bucket.arn}/${folder}/*"]
  }

  statement {
    sid       = "FindBuckets"
    actions   = ["s3:GetBucketLocation"]
    resources = [var.lake_bucket.arn, var.logs_bucket.arn]
  }

  statement {
    sid       = "KeepResults"
    actions   = ["s3:AbortMultipartUpload", "s3:GetObject", "s3:ListMultipartUploadParts", "s3:PutObject"]
    resources = ["${var.logs_bucket.arn}/athena/*"]
  }

  statement {
    sid       = "UseKeys"
    actions   = ["kms:Decrypt", "kms:GenerateDataKey"]
    resources = distinct([var.kms_key_arns["data"], var.kms_key_arns["logs"]])
  }

  statement {
    sid = "Query"
    actions = [
      "athena:GetQueryExecution", "athena:GetQueryResults", "athena:GetQueryResultsStream", "athena:GetWorkGroup",
      "athena:StartQueryExecution", "athena:StopQueryExecution",
    ]
    resources = [aws_athena_workgroup.this.arn]
  }
}

resource "aws_iam_policy" "reader" {
  for_each    = local.readers
  name        = "${var.name}-${each.key}"
  description = "Reads ${join(", ", each.value.zones)}, by Athena and Spark."
  policy      = data.aws_iam_policy_document.reader[each.key].json
}
