# Budgets of the environment and of its services, told apart by tag.

locals {
  total   = { total = { limit = var.monthly_limit, service = null } }
  budgets = merge(local.total, { for service, limit in var.service_limits : lower(replace(service, "/[^A-Za-z0-9]+/", "-")) => { limit = limit, service = service } })
  told = [
    { kind = "ACTUAL", percent = 50 },
    { kind = "ACTUAL", percent = 80 },
    { kind = "ACTUAL", percent = 100 },
    { kind = "FORECASTED", percent = 100 },
  ]
}

resource "aws_budgets_budget" "this" {
  for_each     = local.budgets
  name         = "${var.name}-${each.key}"
  budget_type  = "COST"
  limit_amount = tostring(each.value.limit)
  limit_unit   = "USD"
  time_unit    = "MONTHLY"

  cost_filter {
    name   = "TagKeyValue"
    values = [join("$", ["user:environment", var.environment])]
  }

  dynamic "cost_filter" {
    for_each = each.value.service == null ? [] : [each.value.service]
    content {
      name   = "Service"
      values = [cost_filter.value]
    }
  }

  dynamic "notification" {
    for_each = local.told
    content {
      comparison_operator       = "GREATER_THAN"
      notification_type         = notification.value.kind
      threshold                 = notification.value.percent
      threshold_type            = "PERCENTAGE"
      subscriber_sns_topic_arns = [var.alarm_topic_arn]
    }
  }
}

resource "aws_ce_cost_allocation_tag" "this" {
  for_each = var.manage_tags ? toset(var.tags) : toset([])
  tag_key  = each.key
  status   = "Active"
}

resource "aws_ce_anomaly_monitor" "this" {
  count        = var.anomaly_dollars > 0 ? 1 : 0
  name         = var.name
  monitor_type = "CUSTOM"
  # As AWS gives it back, so that no plan differs.
  monitor_specification = jsonencode({
    And            = null
    CostCategories = null
    Dimensions     = null
    Not            = null
    Or             = null
    Tags           = { Key = "environment", MatchOptions = null, Values = [var.environment] }
  })
}

resource "aws_ce_anomaly_subscription" "this" {
  count            = var.anomaly_dollars > 0 ? 1 : 0
  name             = var.name
  frequency        = "IMMEDIATE"
  monitor_arn_list = [aws_ce_anomaly_monitor.this[0].arn]

  subscriber {
    type    = "SNS"
    address = var.alarm_topic_arn
  }
  threshold_expression {
    dimension {
      key           = "ANOMALY_TOTAL_IMPACT_ABSOLUTE"
      match_options = ["GREATER_THAN_OR_EQUAL"]
      values        = [tostring(var.anomaly_dollars)]
    }
  }
}
