# A role for each job. Statements are data, so that a test can hold each role's actions against lake/permissions.py.

locals {
  catalog   = "arn:${data.aws_partition.this.partition}:glue:${data.aws_region.this.name}:${data.aws_caller_identity.this.account_id}"
  ec2       = "arn:${data.aws_partition.this.partition}:ec2:${data.aws_region.this.name}:${data.aws_caller_identity.this.account_id}"
  databases = [for zone in ["staging", "curated"] : var.database_names[zone]]

  # Folders of the lake that a job writes, and those that it only reads.
  writes = {
    kafka_to_landing     = ["landing", "deadletters/landing"]
    landing_to_staging   = ["iceberg", "quality"]
    staging_to_curated   = ["iceberg", "load", "deadletters/curated"]
    curated_to_warehouse = []
    maintenance          = ["iceberg"]
    reconcile            = ["reconcile"]
    redrive              = ["landing", "deadletters"]
  }
  reads = {
    kafka_to_landing     = []
    landing_to_staging   = ["landing"]
    staging_to_curated   = ["landing/_manifests", "deadletters/_settlements"]
    curated_to_warehouse = ["load"]
    maintenance          = []
    reconcile            = ["landing", "deadletters", "iceberg", "load"]
    redrive              = ["iceberg", "load"]
  }

  # What Glue itself does in a job's name: fetch the release, write logs and metrics, join the subnets.
  platform = { for entry in keys(local.arguments) : entry => [
    {
      sid       = "ReadRelease"
      actions   = ["s3:GetObject"]
      resources = [for key in concat([var.release.wheel, var.release.script], var.release.jars) : "${var.artifacts_bucket.arn}/${key}"]
    },
    {
      sid       = "WriteEventLogs"
      actions   = ["s3:PutObject"]
      resources = ["${var.logs_bucket.arn}/spark/${entry}/*"]
    },
    {
      sid       = "UseKeys"
      actions   = ["kms:Decrypt", "kms:GenerateDataKey"]
      resources = distinct([var.kms_key_arns["data"], var.kms_key_arns["logs"]])
    },
    {
      sid       = "WriteLogs"
      actions   = ["logs:AssociateKmsKey", "logs:CreateLogGroup", "logs:CreateLogStream", "logs:PutLogEvents"]
      resources = ["arn:${data.aws_partition.this.partition}:logs:${data.aws_region.this.name}:${data.aws_caller_identity.this.account_id}:log-group:${local.log_folder}/*"]
    },
    {
      sid       = "WriteMetrics"
      actions   = ["cloudwatch:PutMetricData"]
      resources = ["*"] # the action knows no resources; the namespace bounds it
      test      = "StringEquals"
      variable  = "cloudwatch:namespace"
      values    = ["Glue"]
    },
    {
      sid       = "ReadConnections"
      actions   = ["glue:GetConnection"]
      resources = concat(["${local.catalog}:catalog"], aws_glue_connection.network[*].arn)
    },
    {
      sid       = "SeeNetwork"
      actions   = ["ec2:DescribeNetworkInterfaces", "ec2:DescribeRouteTables", "ec2:DescribeSecurityGroups", "ec2:DescribeSubnets", "ec2:DescribeVpcAttribute", "ec2:DescribeVpcEndpoints"]
      resources = ["*"] # what describes the network knows no resources
    },
    {
      sid     = "JoinSubnets"
      actions = ["ec2:CreateNetworkInterface"]
      resources = concat(
        ["${local.ec2}:network-interface/*", "${local.ec2}:security-group/${var.security_group_ids["glue"]}"],
        [for subnet in var.private_subnet_ids : "${local.ec2}:subnet/${subnet}"],
      )
    },
    {
      sid       = "TagInterfaces"
      actions   = ["ec2:CreateTags"]
      resources = ["${local.ec2}:network-interface/*"]
      test      = "ForAllValues:StringEquals"
      variable  = "aws:TagKeys"
      values    = ["aws-glue-service-resource"]
    },
    {
      sid       = "LeaveSubnets"
      actions   = ["ec2:DeleteNetworkInterface"]
      resources = ["${local.ec2}:network-interface/*"]
      test      = "Null"
      variable  = "aws:ResourceTag/aws-glue-service-resource"
      values    = ["false"]
    },
  ] }

  storage = { for entry in keys(local.arguments) : entry => concat(
    [
      {
        sid       = "ListLake"
        actions   = ["s3:ListBucket"]
        resources = [var.lake_bucket.arn]
        test      = "StringLike"
        variable  = "s3:prefix"
        values    = flatten([for folder in concat(local.writes[entry], local.reads[entry]) : [folder, "${folder}/*"]])
      },
      {
        sid       = "ReadLake"
        actions   = ["s3:GetObject"]
        resources = [for folder in concat(local.writes[entry], local.reads[entry]) : "${var.lake_bucket.arn}/${folder}/*"]
      },
    ],
    length(local.writes[entry]) == 0 ? [] : [
      {
        sid       = "WriteLake"
        actions   = ["s3:AbortMultipartUpload", "s3:DeleteObject", "s3:PutObject"]
        resources = [for folder in local.writes[entry] : "${var.lake_bucket.arn}/${folder}/*"]
      },
    ],
  ) }

  tables = [
    {
      sid     = "UseTables"
      actions = ["glue:CreateTable", "glue:GetDatabase", "glue:GetTable", "glue:UpdateTable"]
      resources = concat(
        ["${local.catalog}:catalog"],
        [for database in local.databases : "${local.catalog}:database/${database}"],
        [for database in local.databases : "${local.catalog}:table/${database}/*"],
      )
    },
  ]

  topics = { for job, groups in { kafka_to_landing = "spark-kafka-source-*", reconcile = "lake-reconcile" } : job => [
    {
      sid       = "ConnectToCluster"
      actions   = ["kafka-cluster:Connect"]
      resources = [var.kafka.cluster_arn]
    },
    {
      sid       = "ReadTopics"
      actions   = ["kafka-cluster:DescribeTopic", "kafka-cluster:ReadData"]
      resources = [for topic in var.topics : "${var.kafka.topic_arn_prefix}${topic}"]
    },
    {
      sid       = "UseGroups"
      actions   = ["kafka-cluster:AlterGroup", "kafka-cluster:DescribeGroup"]
      resources = ["${var.kafka.group_arn_prefix}${groups}"]
    },
  ] }

  statements = [
    {
      sid       = "RunStatements"
      actions   = ["redshift-data:ExecuteStatement"]
      resources = [var.warehouse.arn]
    },
    {
      sid       = "FollowStatements"
      actions   = ["redshift-data:CancelStatement", "redshift-data:DescribeStatement", "redshift-data:GetStatementResult"]
      resources = ["*"] # a statement is no resource of IAM; only its owner may follow it
      test      = "StringEquals"
      variable  = "redshift-data:statement-owner-iam-userid"
      values    = ["$${aws:userid}"]
    },
    {
      sid       = "EnterWarehouse"
      actions   = var.warehouse.kind == "workgroup" ? ["redshift-serverless:GetCredentials"] : ["redshift:GetClusterCredentialsWithIAM"]
      resources = [var.warehouse.credentials_arn]
    },
  ]

  own = {
    kafka_to_landing = concat(local.topics["kafka_to_landing"], [
      {
        sid       = "ReadSchemas"
        actions   = ["glue:GetSchemaVersion"]
        resources = [var.registry_arn, "${local.catalog}:schema/${var.registry_name}/*"]
      },
    ])
    landing_to_staging   = local.tables
    staging_to_curated   = local.tables
    curated_to_warehouse = local.statements
    maintenance          = local.tables
    reconcile = concat(local.topics["reconcile"], local.statements, [
      for statement in local.tables : merge(statement, { sid = "ReadTables", actions = ["glue:GetDatabase", "glue:GetTable"] })
    ])
    redrive = [
      {
        sid     = "FindQuarantines"
        actions = ["glue:GetTable"]
        resources = [
          "${local.catalog}:catalog",
          "${local.catalog}:database/${var.database_names["staging"]}",
          "${local.catalog}:table/${var.database_names["staging"]}/*",
        ]
      },
      {
        sid       = "ReadSchemas"
        actions   = ["glue:GetSchemaVersion"]
        resources = [var.registry_arn, "${local.catalog}:schema/${var.registry_name}/*"]
      },
    ]
  }

  # The Data API gives the session of a federated identity the database roles that its tag names.
  database_roles = { curated_to_warehouse = "lake_loader", reconcile = "lake_steward" }
}

data "aws_iam_policy_document" "glue_trust" {
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

resource "aws_iam_role" "job" {
  for_each           = local.arguments
  name               = "${var.name}-${replace(each.key, "_", "-")}"
  description        = "What the entry ${each.key} does, and no more."
  assume_role_policy = data.aws_iam_policy_document.glue_trust.json
  tags               = { for tag, role in { RedshiftDbRoles = lookup(local.database_roles, each.key, "") } : tag => role if role != "" }
}

data "aws_iam_policy_document" "job" {
  for_each = local.arguments
  dynamic "statement" {
    for_each = { for item in concat(local.platform[each.key], local.storage[each.key], local.own[each.key]) : item.sid => item }
    content {
      sid       = statement.value.sid
      actions   = statement.value.actions
      resources = statement.value.resources
      dynamic "condition" {
        for_each = contains(keys(statement.value), "test") ? [statement.value] : []
        content {
          test     = condition.value.test
          variable = condition.value.variable
          values   = condition.value.values
        }
      }
    }
  }
}

resource "aws_iam_role_policy" "job" {
  for_each = local.arguments
  name     = "job"
  role     = aws_iam_role.job[each.key].name
  policy   = data.aws_iam_policy_document.job[each.key].json
}
