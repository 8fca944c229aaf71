# What the connector's workers may: their topics, their schemas, their secret.

data "aws_iam_policy_document" "connect_trust" {
  statement {
    sid     = "MskConnectOfThisAccount"
    actions = ["sts:AssumeRole"]
    principals {
      type        = "Service"
      identifiers = ["kafkaconnect.amazonaws.com"]
    }
    condition {
      test     = "StringEquals"
      variable = "aws:SourceAccount"
      values   = [data.aws_caller_identity.this.account_id]
    }
  }
}

resource "aws_iam_role" "connect" {
  name               = "${var.name}-connect"
  description        = "Writes changes to topics, and their schemas to the registry."
  assume_role_policy = data.aws_iam_policy_document.connect_trust.json
}

data "aws_iam_policy_document" "connect" {
  statement {
    sid       = "ConnectToCluster"
    actions   = ["kafka-cluster:Connect", "kafka-cluster:DescribeCluster", "kafka-cluster:WriteDataIdempotently"]
    resources = [var.kafka.cluster_arn]
  }

  statement {
    sid       = "WriteChanges"
    actions   = ["kafka-cluster:DescribeTopic", "kafka-cluster:WriteData"]
    resources = [for topic in concat(values(var.tables), ["__debezium-heartbeat.${var.pipeline}"]) : "${var.kafka.topic_arn_prefix}${topic}"]
  }

  statement {
    sid       = "ReadSignals"
    actions   = ["kafka-cluster:DescribeTopic", "kafka-cluster:ReadData"]
    resources = ["${var.kafka.topic_arn_prefix}${var.pipeline}.signal"]
  }

  statement {
    sid = "KeepOffsetsAndHistory"
    actions = [
      "kafka-cluster:AlterTopicDynamicConfiguration", "kafka-cluster:CreateTopic", "kafka-cluster:DescribeTopic",
      "kafka-cluster:DescribeTopicDynamicConfiguration", "kafka-cluster:ReadData", "kafka-cluster:WriteData",
    ]
    resources = [for topic in ["${var.pipeline}.connect-offsets", "${var.pipeline}.schema-history", "__amazon_msk_connect_*"] : "${var.kafka.topic_arn_prefix}${topic}"]
  }

  statement {
    sid       = "JoinGroups"
    actions   = ["kafka-cluster:AlterGroup", "kafka-cluster:DescribeGroup"]
    resources = [for group in ["__amazon_msk_connect_*", "connect-*", "${var.pipeline}-*", "kafka-signal"] : "${var.kafka.group_arn_prefix}${group}"]
  }

  dynamic "statement" {
    for_each = var.exactly_once ? [1] : []
    content {
      sid       = "WriteInTransactions"
      actions   = ["kafka-cluster:AlterTransactionalId", "kafka-cluster:DescribeTransactionalId"]
      resources = ["${var.kafka.transaction_arn_prefix}*"]
    }
  }

  statement {
    sid       = "RegisterSchemas"
    actions   = ["glue:CreateSchema", "glue:GetSchemaByDefinition", "glue:GetSchemaVersion", "glue:RegisterSchemaVersion"]
    resources = [aws_glue_registry.this.arn, "${local.arn}:glue:${local.account}:schema/${var.name}/*"]
  }

  statement {
    sid       = "ReadLogin"
    actions   = ["secretsmanager:DescribeSecret", "secretsmanager:GetSecretValue"]
    resources = [aws_secretsmanager_secret.debezium.arn]
  }

  statement {
    sid       = "DecryptLogin"
    actions   = ["kms:Decrypt"]
    resources = [var.kms_key_arns["secrets"]]
  }
}

resource "aws_iam_role_policy" "connect" {
  name   = "connect"
  role   = aws_iam_role.connect.name
  policy = data.aws_iam_policy_document.connect.json
}
