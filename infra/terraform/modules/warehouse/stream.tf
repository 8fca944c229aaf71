# What the streaming path asks of a clock: a refresh a minute beside AUTO REFRESH, the lag as a metric, old records taken
# out. Statements and query are what `lake warehouse stream --json` states.

locals {
  # A statement by the Data API, then its end: {"Sql": …, "Parameters": …} comes in, the statement's description goes out.
  statement = {
    Run = {
      Type      = "Task"
      Resource  = "${local.arn}:states:::aws-sdk:redshiftdata:executeStatement"
      Arguments = "{% $merge([${jsonencode(local.target)}, $states.input]) %}"
      Output    = "{% { 'Id': $states.result.Id } %}"
      Retry     = [{ ErrorEquals = ["States.ALL"], IntervalSeconds = 2, MaxAttempts = 3, BackoffRate = 2, JitterStrategy = "FULL" }]
      Next      = "Pause"
    }
    Pause = { Type = "Wait", Seconds = 2, Next = "Told" }
    Told = {
      Type      = "Task"
      Resource  = "${local.arn}:states:::aws-sdk:redshiftdata:describeStatement"
      Arguments = { Id = "{% $states.input.Id %}" }
      Output    = "{% { 'Id': $states.result.Id, 'Status': $states.result.Status } %}"
      Retry     = [{ ErrorEquals = ["States.ALL"], IntervalSeconds = 2, MaxAttempts = 3, BackoffRate = 2 }]
      Next      = "Ended"
    }
    Ended = {
      Type = "Choice"
      Choices = [
        { Condition = "{% $states.input.Status = 'FINISHED' %}", Next = "Finished" },
        { Condition = "{% $states.input.Status in ['FAILED', 'ABORTED'] %}", Next = "NotDone" },
      ]
      Default = "Pause"
    }
    NotDone = { Type = "Fail", Error = "StatementFailed", Cause = "Redshift did not run the statement: ask describe-statement for its reason." }
  }

  lag = {
    Comment        = "Seconds since each streaming view's last refresh, as a metric."
    QueryLanguage  = "JSONata"
    StartAt        = "Run"
    TimeoutSeconds = var.stream.alarm.period_seconds * 4
    States = merge(local.statement, {
      Finished = {
        Type      = "Task"
        Resource  = "${local.arn}:states:::aws-sdk:redshiftdata:getStatementResult"
        Arguments = { Id = "{% $states.input.Id %}" }
        # A view that was never refreshed has no lag: no value then, which the alarm takes as too much.
        Output = "{% { 'views': [$map($states.result.Records, function($row) { { 'source': $row[0].StringValue, 'lag': $row[1].LongValue } })] } %}"
        Next   = "Any"
      }
      Any = {
        Type    = "Choice"
        Choices = [{ Condition = "{% $exists($states.input.views.lag) %}", Next = "Publish" }]
        Default = "Nothing"
      }
      Nothing = { Type = "Succeed" }
      Publish = {
        Type     = "Task"
        Resource = "${local.arn}:states:::aws-sdk:cloudwatch:putMetricData"
        Arguments = {
          Namespace  = var.stream.alarm.namespace
          MetricData = "{% [$map($states.input.views[$exists(lag)], function($view) { { 'MetricName': '${var.stream.alarm.metric}', 'Unit': 'Seconds', 'Value': $view.lag, 'Dimensions': [{ 'Name': 'source', 'Value': $view.source }] } })] %}"
        }
        End = true
      }
    })
  }

  retention = {
    Comment       = "Takes records out of streaming views that are older than ${var.stream.keep_days} days."
    QueryLanguage = "JSONata"
    StartAt       = "Tables"
    States = {
      Tables = {
        Type           = "Map"
        Items          = var.stream.each_day
        MaxConcurrency = 1
        ItemSelector = {
          Sql        = "{% $states.context.Map.Item.Value %}"
          Parameters = [{ Name = "before", Value = "{% $fromMillis($millis() - ${var.stream.keep_days} * 86400000, '[Y0001]-[M01]-[D01] [H01]:[m01]:[s01]') %}" }]
        }
        ItemProcessor = {
          ProcessorConfig = { Mode = "INLINE" }
          StartAt         = "Run"
          States          = merge(local.statement, { Finished = { Type = "Succeed" } })
        }
        End = true
      }
    }
  }

  machines = {
    stream-lag       = { definition = local.lag, type = "EXPRESS", schedule = "rate(1 minute)", input = { Sql = var.stream.alarm.query } }
    stream-retention = { definition = local.retention, type = "STANDARD", schedule = "cron(10 4 * * ? *)", input = {} }
  }
  refreshes = { for place, statement in var.stream.each_minute : format("refresh-%02d", place + 1) => statement }
  state     = var.stream.running ? "ENABLED" : "DISABLED"
}

resource "aws_cloudwatch_log_group" "machine" {
  for_each          = local.machines
  name              = "/aws/vendedlogs/states/${var.name}-${each.key}"
  retention_in_days = var.log_retention_days
  kms_key_id        = var.kms_key_arns["logs"]
}

resource "aws_sfn_state_machine" "this" {
  for_each   = local.machines
  name       = "${var.name}-${each.key}"
  type       = each.value.type
  role_arn   = aws_iam_role.operator.arn
  definition = jsonencode(each.value.definition)

  encryption_configuration {
    type                              = "CUSTOMER_MANAGED_KMS_KEY"
    kms_key_id                        = var.kms_key_arns["data"]
    kms_data_key_reuse_period_seconds = 900
  }
  logging_configuration {
    level                  = "ERROR"
    include_execution_data = true # statements, numbers of seconds, names of tables: nothing of the data
    log_destination        = "${aws_cloudwatch_log_group.machine[each.key].arn}:*"
  }
  tracing_configuration {
    enabled = true
  }
}

resource "aws_scheduler_schedule_group" "this" {
  name = "${var.name}-warehouse"
}

# A topic's view each, so that a slow one holds up no other.
resource "aws_scheduler_schedule" "refresh" {
  for_each            = local.refreshes
  name                = "${var.name}-${each.key}"
  group_name          = aws_scheduler_schedule_group.this.name
  description         = "A refresh beside AUTO REFRESH."
  schedule_expression = "rate(1 minute)"
  state               = local.state
  kms_key_arn         = var.kms_key_arns["data"]

  flexible_time_window {
    mode = "OFF"
  }

  target {
    arn      = "${local.arn}:scheduler:::aws-sdk:redshiftdata:executeStatement"
    role_arn = aws_iam_role.operator.arn
    input    = jsonencode(merge(local.target, { Sql = each.value, StatementName = each.key }))
    retry_policy {
      maximum_event_age_in_seconds = 60
      maximum_retry_attempts       = 0
    }
  }
}

resource "aws_scheduler_schedule" "machine" {
  for_each                     = local.machines
  name                         = "${var.name}-${each.key}"
  group_name                   = aws_scheduler_schedule_group.this.name
  description                  = each.value.definition.Comment
  schedule_expression          = each.value.schedule
  schedule_expression_timezone = "UTC"
  state                        = local.state
  kms_key_arn                  = var.kms_key_arns["data"]

  flexible_time_window {
    mode = "OFF"
  }

  target {
    arn      = aws_sfn_state_machine.this[each.key].arn
    role_arn = aws_iam_role.operator.arn
    input    = jsonencode(each.value.input)
    retry_policy {
      maximum_event_age_in_seconds = 60
      maximum_retry_attempts       = 0
    }
  }
}

# Who makes the streaming views is who refreshes them: Redshift lets nobody but a view's owner.
data "aws_iam_policy_document" "operator_trust" {
  statement {
    sid     = "ClocksOfThisAccount"
    actions = ["sts:AssumeRole"]
    principals {
      type        = "Service"
      identifiers = ["scheduler.amazonaws.com", "states.amazonaws.com"]
    }
    condition {
      test     = "StringEquals"
      variable = "aws:SourceAccount"
      values   = [data.aws_caller_identity.this.account_id]
    }
  }

  dynamic "statement" {
    for_each = length(var.operators) > 0 ? [1] : []
    content {
      sid     = "Operators"
      actions = ["sts:AssumeRole"]
      principals {
        type        = "AWS"
        identifiers = var.operators
      }
    }
  }
}

resource "aws_iam_role" "operator" {
  name               = "${var.name}-warehouse-operator"
  description        = "Owns and refreshes the streaming views."
  assume_role_policy = data.aws_iam_policy_document.operator_trust.json
  # The Data API gives the session of a federated identity the database roles that this tag names.
  tags = { RedshiftDbRoles = "lake_loader" }
}

data "aws_iam_policy_document" "operator" {
  statement {
    sid       = "RunStatements"
    actions   = ["redshift-data:ExecuteStatement"]
    resources = [local.target_arn]
  }

  statement {
    sid       = "FollowStatements"
    actions   = ["redshift-data:DescribeStatement", "redshift-data:GetStatementResult"]
    resources = ["*"] # a statement is no resource of IAM; only its owner may follow it
    condition {
      test     = "StringEquals"
      variable = "redshift-data:statement-owner-iam-userid"
      values   = ["$${aws:userid}"]
    }
  }

  statement {
    sid       = "EnterWarehouse"
    actions   = [local.credentials]
    resources = [local.credentials_arn]
  }

  statement {
    sid       = "PublishLag"
    actions   = ["cloudwatch:PutMetricData"]
    resources = ["*"] # the action knows no resources; the namespace bounds it
    condition {
      test     = "StringEquals"
      variable = "cloudwatch:namespace"
      values   = [var.stream.alarm.namespace]
    }
  }

  statement {
    sid       = "StartMachines"
    actions   = ["states:StartExecution"]
    resources = [for machine in keys(local.machines) : "${local.arn}:states:${local.account}:stateMachine:${var.name}-${machine}"]
  }

  statement {
    sid       = "UseKey"
    actions   = ["kms:Decrypt", "kms:GenerateDataKey"]
    resources = [var.kms_key_arns["data"]]
  }

  statement {
    sid = "DeliverLogs"
    actions = [
      "logs:CreateLogDelivery", "logs:DeleteLogDelivery", "logs:DescribeLogGroups", "logs:DescribeResourcePolicies",
      "logs:GetLogDelivery", "logs:ListLogDeliveries", "logs:PutResourcePolicy", "logs:UpdateLogDelivery",
    ]
    resources = ["*"] # log deliveries know no resources (Step Functions, "Logging to CloudWatch Logs")
  }

  statement {
    sid       = "Trace"
    actions   = ["xray:GetSamplingRules", "xray:GetSamplingTargets", "xray:PutTelemetryRecords", "xray:PutTraceSegments"]
    resources = ["*"] # X-Ray knows no resources here
  }
}

resource "aws_iam_role_policy" "operator" {
  name   = "operator"
  role   = aws_iam_role.operator.name
  policy = data.aws_iam_policy_document.operator.json
}
