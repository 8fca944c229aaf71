# The Lambda function that decodes records of topics for Redshift (streaming/udf); its package is part of a release.

locals {
  function = "${var.name}-decode"
  alias    = "live"
}

resource "aws_cloudwatch_log_group" "decode" {
  name              = "/aws/lambda/${local.function}"
  retention_in_days = var.log_retention_days
  kms_key_id        = var.kms_key_arns["logs"]
}

resource "aws_lambda_function" "decode" {
  # checkov:skip=CKV_AWS_116:Redshift calls it and waits: a failed call fails the refresh, which reads the same records again
  # checkov:skip=CKV_AWS_272:the package's SHA-256 is in its key and so in the plan, and only who deploys may write the bucket
  function_name                  = local.function
  description                    = "Decodes records of topics for Redshift's streaming views."
  role                           = aws_iam_role.decode.arn
  runtime                        = "python3.12"
  architectures                  = ["x86_64"]
  handler                        = var.udf.handler
  s3_bucket                      = var.artifacts_bucket.name
  s3_key                         = var.udf.key
  memory_size                    = var.udf.memory_mb
  timeout                        = 60
  reserved_concurrent_executions = var.udf.concurrency
  publish                        = true
  kms_key_arn                    = var.kms_key_arns["data"]

  environment {
    variables = { LAKE_REGISTRY = "glue:${data.aws_region.this.name}" }
  }
  logging_config {
    log_format = "JSON"
    log_group  = aws_cloudwatch_log_group.decode.name
  }
  tracing_config {
    mode = "Active"
  }
  vpc_config {
    subnet_ids         = var.private_subnet_ids
    security_group_ids = [var.security_group_ids["lambda"]]
  }
}

# The external function names the alias: a release moves it, and moving it back is the way back.
resource "aws_lambda_alias" "live" {
  name             = local.alias
  description      = "The version that Redshift calls."
  function_name    = aws_lambda_function.decode.function_name
  function_version = aws_lambda_function.decode.version
}

data "aws_iam_policy_document" "decode_trust" {
  statement {
    sid     = "Lambda"
    actions = ["sts:AssumeRole"]
    principals {
      type        = "Service"
      identifiers = ["lambda.amazonaws.com"]
    }
  }
}

resource "aws_iam_role" "decode" {
  name               = local.function
  description        = "Reads writer schemas, and no more."
  assume_role_policy = data.aws_iam_policy_document.decode_trust.json
}

data "aws_iam_policy_document" "decode" {
  # checkov:skip=CKV_AWS_111:Lambda refuses a role that may join subnets by resource only
  # checkov:skip=CKV_AWS_356:Lambda refuses a role that may join subnets by resource only
  statement {
    sid       = "ReadSchemas"
    actions   = ["glue:GetSchemaVersion"]
    resources = [var.registry_arn, "${local.arn}:glue:${local.account}:schema/${var.registry_name}/*"]
  }

  statement {
    sid       = "WriteLogs"
    actions   = ["logs:CreateLogStream", "logs:PutLogEvents"]
    resources = ["${aws_cloudwatch_log_group.decode.arn}:*"]
  }

  statement {
    sid       = "DecryptEnvironment"
    actions   = ["kms:Decrypt"]
    resources = [var.kms_key_arns["data"]]
  }

  statement {
    sid = "JoinSubnets"
    actions = [
      "ec2:AssignPrivateIpAddresses", "ec2:CreateNetworkInterface", "ec2:DeleteNetworkInterface",
      "ec2:DescribeNetworkInterfaces", "ec2:DescribeSubnets", "ec2:UnassignPrivateIpAddresses",
    ]
    resources = ["*"] # Lambda checks these against no resource (Lambda, "Giving functions access to resources in a VPC")
  }

  statement {
    sid       = "Trace"
    actions   = ["xray:PutTelemetryRecords", "xray:PutTraceSegments"]
    resources = ["*"] # X-Ray knows no resources here
  }
}

resource "aws_iam_role_policy" "decode" {
  name   = "decode"
  role   = aws_iam_role.decode.name
  policy = data.aws_iam_policy_document.decode.json
}
