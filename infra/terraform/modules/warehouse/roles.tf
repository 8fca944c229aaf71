# The warehouse's own role: what COPY, Spectrum, streaming views and the function ask of AWS.

data "aws_iam_policy_document" "warehouse_trust" {
  statement {
    sid     = "RedshiftOfThisAccount"
    actions = ["sts:AssumeRole"]
    principals {
      type        = "Service"
      identifiers = local.serverless ? ["redshift-serverless.amazonaws.com", "redshift.amazonaws.com"] : ["redshift.amazonaws.com"]
    }
    condition {
      test     = "StringEquals"
      variable = "aws:SourceAccount"
      values   = [data.aws_caller_identity.this.account_id]
    }
  }
}

resource "aws_iam_role" "warehouse" {
  name               = "${var.name}-warehouse"
  description        = "What the warehouse reads: load files, curated tables, topics, the decoding function."
  assume_role_policy = data.aws_iam_policy_document.warehouse_trust.json
}

data "aws_iam_policy_document" "warehouse" {
  statement {
    sid       = "ListLoadsAndTables"
    actions   = ["s3:ListBucket"]
    resources = [var.lake_bucket.arn]
    condition {
      test     = "StringLike"
      variable = "s3:prefix"
      values   = ["load", "load/*", "iceberg", "iceberg/*"]
    }
  }

  statement {
    sid       = "ReadLoadsAndTables"
    actions   = ["s3:GetObject"]
    resources = ["${var.lake_bucket.arn}/load/*", "${var.lake_bucket.arn}/iceberg/*"]
  }

  statement {
    sid       = "DecryptLake"
    actions   = ["kms:Decrypt"]
    resources = [var.kms_key_arns["data"]]
  }

  statement {
    sid     = "ReadCuratedTables"
    actions = ["glue:GetDatabase", "glue:GetPartitions", "glue:GetTable", "glue:GetTables"]
    resources = [
      "${local.arn}:glue:${local.account}:catalog",
      "${local.arn}:glue:${local.account}:database/${var.database_names["curated"]}",
      "${local.arn}:glue:${local.account}:table/${var.database_names["curated"]}/*",
    ]
  }

  statement {
    sid       = "FindBrokers"
    actions   = ["kafka:GetBootstrapBrokers"]
    resources = ["*"] # the action knows no resources
  }

  statement {
    sid       = "ConnectToCluster"
    actions   = ["kafka-cluster:Connect"]
    resources = [var.kafka.cluster_arn]
  }

  statement {
    sid       = "ReadTopics"
    actions   = ["kafka-cluster:DescribeTopic", "kafka-cluster:ReadData"]
    resources = [for topic in var.topics : "${var.kafka.topic_arn_prefix}${topic}"]
  }

  statement {
    sid       = "UseGroups"
    actions   = ["kafka-cluster:AlterGroup", "kafka-cluster:DescribeGroup"]
    resources = ["${var.kafka.group_arn_prefix}*"]
  }

  statement {
    sid       = "CallFunction"
    actions   = ["lambda:InvokeFunction"]
    resources = [aws_lambda_function.decode.arn, "${aws_lambda_function.decode.arn}:${local.alias}"]
  }
}

resource "aws_iam_role_policy" "warehouse" {
  name   = "warehouse"
  role   = aws_iam_role.warehouse.name
  policy = data.aws_iam_policy_document.warehouse.json
}
