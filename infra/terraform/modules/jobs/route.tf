# Hops 2 to 4 after each other, on a schedule; and what keeps the streaming job running.

locals {
  batch = ["landing_to_staging", "staging_to_curated", "curated_to_warehouse"]

  # Failures of the network and of capacity pass.
  busy = [
    {
      ErrorEquals     = ["Glue.ConcurrentRunsExceededException", "Glue.InternalServiceException", "Glue.OperationTimeoutException", "Glue.ThrottlingException", "Glue.AWSGlueException"]
      IntervalSeconds = 30
      MaxAttempts     = 5
      BackoffRate     = 2
      JitterStrategy  = "FULL"
    }
  ]
  # A run that failed is worth another one: what it had committed stays.
  failed = [{ ErrorEquals = ["States.TaskFailed"], IntervalSeconds = 60, MaxAttempts = var.batch.retries, BackoffRate = 2 }]

  steps = { for place, entry in local.batch : entry => merge(
    {
      Type     = "Task"
      Resource = "arn:${data.aws_partition.this.partition}:states:::glue:startJobRun.sync"
      # One id ties the hops of an execution together, in logs and lineage.
      Parameters = { JobName = aws_glue_job.this[entry].name, Arguments = { "--correlation-id.$" = "$$.Execution.Name" } }
      ResultPath = "$.runs.${entry}"
      ResultSelector = {
        "JobRunId.$"    = "$.Id"
        "JobRunState.$" = "$.JobRunState"
      }
      Retry = concat(local.busy, local.failed)
      # A table that stopped at hop 2 holds up no other: the route goes on, and fails at its end.
      Catch = [{
        ErrorEquals = ["States.ALL"]
        ResultPath  = "$.failed.${entry}"
        Next        = entry == "landing_to_staging" ? "staging_to_curated" : "Failed"
      }]
    },
    { Next = place + 1 < length(local.batch) ? local.batch[min(place + 1, length(local.batch) - 1)] : "AllWell" },
  ) }

  route = {
    Comment = "Landing to staging, staging to curated, curated to warehouse; one execution at a time."
    StartAt = "Others"
    States = merge(local.steps, {
      Others = {
        Type       = "Task"
        Resource   = "arn:${data.aws_partition.this.partition}:states:::aws-sdk:sfn:listExecutions"
        Parameters = { "StateMachineArn.$" = "$$.StateMachine.Id", StatusFilter = "RUNNING", MaxResults = 2 }
        ResultSelector = {
          "running.$" = "$.Executions[*].ExecutionArn"
        }
        ResultPath = "$.others"
        Retry      = [{ ErrorEquals = ["States.ALL"], IntervalSeconds = 5, MaxAttempts = 3, BackoffRate = 2 }]
        Next       = "IsFirst"
      }
      IsFirst = {
        Type    = "Choice"
        Choices = [{ Variable = "$.others.running[1]", IsPresent = true, Next = "Skipped" }]
        Default = "Start"
      }
      Start = {
        Type       = "Pass"
        Parameters = { runs = {}, failed = {} }
        Next       = local.batch[0]
      }
      AllWell = {
        Type    = "Choice"
        Choices = [{ Variable = "$.failed.landing_to_staging", IsPresent = true, Next = "Failed" }]
        Default = "Done"
      }
      Skipped = { Type = "Succeed", Comment = "The execution before still works." }
      Done    = { Type = "Succeed" }
      Failed  = { Type = "Fail", Error = "HopFailed", Cause = "A hop failed: see its run's log. What was committed stays; the next execution goes on." }
    })
  }

  stream = {
    Comment = "Starts the streaming job where it does not run."
    StartAt = "Newest"
    States = {
      Newest = {
        Type           = "Task"
        Resource       = "arn:${data.aws_partition.this.partition}:states:::aws-sdk:glue:getJobRuns"
        Parameters     = { JobName = aws_glue_job.this["kafka_to_landing"].name, MaxResults = 1 }
        ResultSelector = { "states.$" = "$.JobRuns[*].JobRunState" }
        Retry          = [{ ErrorEquals = ["States.ALL"], IntervalSeconds = 5, MaxAttempts = 3, BackoffRate = 2 }]
        Next           = "IsRunning"
      }
      IsRunning = {
        Type = "Choice"
        Choices = [{
          And = [
            { Variable = "$.states[0]", IsPresent = true },
            { Or = [for state in ["STARTING", "RUNNING", "STOPPING", "WAITING"] : { Variable = "$.states[0]", StringEquals = state }] },
          ]
          Next = "Running"
        }]
        Default = "Start"
      }
      Start = {
        Type       = "Task"
        Resource   = "arn:${data.aws_partition.this.partition}:states:::glue:startJobRun"
        Parameters = { JobName = aws_glue_job.this["kafka_to_landing"].name }
        Retry      = local.busy
        End        = true
      }
      Running = { Type = "Succeed" }
    }
  }

  machines = { route = local.route, stream = local.stream }

  starts = {
    route       = { schedule = var.schedules.route, state = "ENABLED" }
    stream      = { schedule = "rate(5 minutes)", state = var.stream.running ? "ENABLED" : "DISABLED" }
    maintenance = { schedule = var.schedules.maintenance, state = "ENABLED" }
    reconcile   = { schedule = var.schedules.reconcile, state = "ENABLED" }
  }
  alone = ["maintenance", "reconcile"]
  glue_jobs = {
    route  = [for entry in local.batch : aws_glue_job.this[entry].arn]
    stream = [aws_glue_job.this["kafka_to_landing"].arn]
  }
  states = "arn:${data.aws_partition.this.partition}:states:${data.aws_region.this.name}:${data.aws_caller_identity.this.account_id}"
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
  role_arn   = aws_iam_role.machine[each.key].arn
  definition = jsonencode(each.value)

  encryption_configuration {
    type                              = "CUSTOMER_MANAGED_KMS_KEY"
    kms_key_id                        = var.kms_key_arns["data"]
    kms_data_key_reuse_period_seconds = 900
  }
  logging_configuration {
    level                  = "ALL"
    include_execution_data = true # names and states of runs: nothing of the data
    log_destination        = "${aws_cloudwatch_log_group.machine[each.key].arn}:*"
  }
  tracing_configuration {
    enabled = true
  }
}

data "aws_iam_policy_document" "machine_trust" {
  statement {
    sid     = "StepFunctionsOfThisAccount"
    actions = ["sts:AssumeRole"]
    principals {
      type        = "Service"
      identifiers = ["states.amazonaws.com"]
    }
    condition {
      test     = "StringEquals"
      variable = "aws:SourceAccount"
      values   = [data.aws_caller_identity.this.account_id]
    }
  }
}

resource "aws_iam_role" "machine" {
  for_each           = local.machines
  name               = "${var.name}-machine-${each.key}"
  description        = "What the state machine ${each.key} does."
  assume_role_policy = data.aws_iam_policy_document.machine_trust.json
}

data "aws_iam_policy_document" "machine" {
  for_each = local.machines

  statement {
    sid       = "RunJobs"
    actions   = each.key == "route" ? ["glue:BatchStopJobRun", "glue:GetJobRun", "glue:GetJobRuns", "glue:StartJobRun"] : ["glue:GetJobRuns", "glue:StartJobRun"]
    resources = local.glue_jobs[each.key]
  }

  dynamic "statement" {
    for_each = each.key == "route" ? [1] : []
    content {
      sid       = "SeeOthers"
      actions   = ["states:ListExecutions"]
      resources = ["${local.states}:stateMachine:${var.name}-route"]
    }
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

resource "aws_iam_role_policy" "machine" {
  for_each = local.machines
  name     = "machine"
  role     = aws_iam_role.machine[each.key].name
  policy   = data.aws_iam_policy_document.machine[each.key].json
}

resource "aws_scheduler_schedule_group" "this" {
  name = "${var.name}-jobs"
}

resource "aws_scheduler_schedule" "this" {
  for_each                     = local.starts
  name                         = "${var.name}-${each.key}"
  group_name                   = aws_scheduler_schedule_group.this.name
  description                  = "Starts ${each.key}."
  schedule_expression          = each.value.schedule
  schedule_expression_timezone = "UTC"
  state                        = each.value.state
  kms_key_arn                  = var.kms_key_arns["data"]

  flexible_time_window {
    mode = "OFF"
  }

  target {
    arn      = contains(local.alone, each.key) ? "arn:${data.aws_partition.this.partition}:scheduler:::aws-sdk:glue:startJobRun" : aws_sfn_state_machine.this[each.key].arn
    role_arn = aws_iam_role.scheduler.arn
    input    = jsonencode(contains(local.alone, each.key) ? { JobName = aws_glue_job.this[each.key].name } : {})
    # The next tick comes soon; an old one is worth nothing.
    retry_policy {
      maximum_event_age_in_seconds = 300
      maximum_retry_attempts       = 2
    }
  }
}

data "aws_iam_policy_document" "scheduler_trust" {
  statement {
    sid     = "SchedulerOfThisAccount"
    actions = ["sts:AssumeRole"]
    principals {
      type        = "Service"
      identifiers = ["scheduler.amazonaws.com"]
    }
    condition {
      test     = "StringEquals"
      variable = "aws:SourceAccount"
      values   = [data.aws_caller_identity.this.account_id]
    }
  }
}

resource "aws_iam_role" "scheduler" {
  name               = "${var.name}-scheduler-jobs"
  description        = "Starts state machines, maintenance and reconciliation."
  assume_role_policy = data.aws_iam_policy_document.scheduler_trust.json
}

data "aws_iam_policy_document" "scheduler" {
  statement {
    sid       = "StartMachines"
    actions   = ["states:StartExecution"]
    resources = values(aws_sfn_state_machine.this)[*].arn
  }
  statement {
    sid       = "StartJobs"
    actions   = ["glue:StartJobRun"]
    resources = [for job in local.alone : aws_glue_job.this[job].arn]
  }
  statement {
    sid       = "ReadSchedules"
    actions   = ["kms:Decrypt"]
    resources = [var.kms_key_arns["data"]]
  }
}

resource "aws_iam_role_policy" "scheduler" {
  name   = "scheduler"
  role   = aws_iam_role.scheduler.name
  policy = data.aws_iam_policy_document.scheduler.json
}
