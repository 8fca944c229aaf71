# Crawlers find what no contract declares: fields that a source added, dead letters of any shape. They write tables of
# their own (prefix), never ours.

data "aws_partition" "this" {}
data "aws_region" "this" {}
data "aws_caller_identity" "this" {}

locals {
  arn     = "arn:${data.aws_partition.this.partition}"
  catalog = "${local.arn}:glue:${data.aws_region.this.name}:${data.aws_caller_identity.this.account_id}"
  crawlers = {
    landing      = { folders = [for table in var.tables : "landing/${table}"], prefix = "found_" }
    dead-letters = { folders = ["deadletters"], prefix = "dead_letters_" }
  }
}

resource "aws_glue_security_configuration" "crawlers" {
  name = "${var.name}-crawlers"
  encryption_configuration {
    cloudwatch_encryption {
      cloudwatch_encryption_mode = "SSE-KMS"
      kms_key_arn                = var.kms_key_arns["logs"]
    }
    job_bookmarks_encryption {
      job_bookmarks_encryption_mode = "CSE-KMS"
      kms_key_arn                   = var.kms_key_arns["data"]
    }
    s3_encryption {
      s3_encryption_mode = "SSE-KMS"
      kms_key_arn        = var.kms_key_arns["data"]
    }
  }
}

# Crawlers write here when a security configuration is theirs; made before Glue would make it, without a key and for ever.
resource "aws_cloudwatch_log_group" "crawlers" {
  # checkov:skip=CKV_AWS_338:how long logs are kept is each environment's choice; prod keeps them for more than a year
  name              = "/aws-glue/crawlers-role/${aws_iam_role.crawler.name}-${aws_glue_security_configuration.crawlers.name}"
  retention_in_days = var.log_retention_days
  kms_key_id        = var.kms_key_arns["logs"]
}

resource "aws_glue_crawler" "this" {
  for_each               = local.crawlers
  name                   = "${var.name}-${each.key}"
  description            = "Finds fields and shapes that no contract declares."
  database_name          = aws_glue_catalog_database.this["landing"].name
  role                   = aws_iam_role.crawler.arn
  security_configuration = aws_glue_security_configuration.crawlers.name
  table_prefix           = each.value.prefix
  schedule               = var.crawl_schedule == "" ? null : var.crawl_schedule

  dynamic "s3_target" {
    for_each = each.value.folders
    content {
      path        = "${local.lake}/${s3_target.value}/"
      sample_size = 10
    }
  }
  recrawl_policy {
    recrawl_behavior = "CRAWL_EVERYTHING"
  }
  schema_change_policy {
    update_behavior = "UPDATE_IN_DATABASE"
    delete_behavior = "LOG"
  }
  configuration = jsonencode({
    Version  = 1
    Grouping = { TableGroupingPolicy = "CombineCompatibleSchemas" }
  })
  depends_on = [aws_iam_role_policy.crawler]
}

data "aws_iam_policy_document" "crawler_trust" {
  statement {
    sid     = "GlueOfThisAccount"
    actions = ["sts:AssumeRole"]
    principals {
      type        = "Service"
      identifiers = ["glue.amazonaws.com"]
    }
    condition {
      test     = "StringEquals"
      variable = "aws:SourceAccount"
      values   = [data.aws_caller_identity.this.account_id]
    }
  }
}

resource "aws_iam_role" "crawler" {
  name               = "${var.name}-crawler"
  description        = "Reads landed records and dead letters, writes tables of the database of landing."
  assume_role_policy = data.aws_iam_policy_document.crawler_trust.json
}

data "aws_iam_policy_document" "crawler" {
  statement {
    sid       = "ListFolders"
    actions   = ["s3:GetBucketLocation", "s3:ListBucket"]
    resources = [var.lake_bucket.arn]
  }

  statement {
    sid       = "ReadFolders"
    actions   = ["s3:GetObject"]
    resources = flatten([for crawler in values(local.crawlers) : [for folder in crawler.folders : "${var.lake_bucket.arn}/${folder}/*"]])
  }

  statement {
    sid       = "ReadUnderKey"
    actions   = ["kms:Decrypt"]
    resources = [var.kms_key_arns["data"]]
  }

  statement {
    sid = "WriteFoundTables"
    actions = [
      "glue:BatchCreatePartition", "glue:BatchGetPartition", "glue:BatchUpdatePartition", "glue:CreateTable", "glue:GetDatabase",
      "glue:GetPartitions", "glue:GetSecurityConfiguration", "glue:GetTable", "glue:GetTables", "glue:UpdateTable",
    ]
    resources = concat(
      ["${local.catalog}:catalog", "${local.catalog}:database/${var.databases.landing}"],
      [for crawler in values(local.crawlers) : "${local.catalog}:table/${var.databases.landing}/${crawler.prefix}*"],
    )
  }

  statement {
    sid       = "WriteLogs"
    actions   = ["logs:AssociateKmsKey", "logs:CreateLogGroup", "logs:CreateLogStream", "logs:PutLogEvents"]
    resources = ["${local.arn}:logs:${data.aws_region.this.name}:${data.aws_caller_identity.this.account_id}:log-group:/aws-glue/crawlers*"]
  }
}

resource "aws_iam_role_policy" "crawler" {
  name   = "crawler"
  role   = aws_iam_role.crawler.name
  policy = data.aws_iam_policy_document.crawler.json
}
