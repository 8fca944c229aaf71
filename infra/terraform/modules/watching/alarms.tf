# Alarms as data, by name; one resource wires each to the topic. Names of the lake's own metrics are looked up in the
# catalogue, so that an alarm on a metric that no code emits is an error of the plan.

locals {
  of_lake  = { environment = var.environment, pipeline = var.pipeline }
  batch    = ["staging", "curated", "warehouse"]
  catalog  = var.metrics.metrics
  over     = "GreaterThanOrEqualToThreshold"
  under    = "LessThanThreshold"
  quiet    = "notBreaching"
  alarming = "breaching"

  # metric, hop, threshold, and what it means; seconds and periods where they are not 300 and 1.
  lake_rules = concat(
    [
      { metric = "LagSeconds", hop = "landing", threshold = var.thresholds.lag_seconds, periods = 3, means = "records wait too long for hop 1" },
      { metric = "PendingManifests", hop = "staging", threshold = var.thresholds.pending_manifests, periods = 2, means = "landed batches wait for hop 2: a table stopped, or the job is too small" },
      { metric = "PendingLoads", hop = "warehouse", threshold = var.thresholds.pending_loads, periods = 2, means = "loads wait for the warehouse" },
      { metric = "ChecksFailed", hop = "staging", threshold = 1, periods = 1, means = "a batch failed an expectation: see Data Docs; accept, skip or mend" },
      { metric = "ReconciliationFailed", hop = "reconcile", threshold = 1, periods = 1, means = "an oracle does not hold: lake reconcile names table and rule" },
    ],
    [for hop, seconds in var.thresholds.freshness_seconds :
      { metric = "FreshnessSeconds", hop = hop, threshold = seconds, periods = 3, means = "the newest change at ${hop} is too old" }
    ],
    [for hop in ["landing", "staging", "curated"] :
      { metric = "DeadLetters", hop = hop, threshold = 1, periods = 1, means = "records were set aside at ${hop}: lake dlq list" }
    ],
    [for hop in local.catalog["Failures"].hops :
      { metric = "Failures", hop = hop, threshold = 1, periods = 1, means = "a run of ${hop} failed, or tables stopped in it" }
    ],
  )

  lake_alarms = merge(
    { for rule in local.lake_rules : "lake-${rule.metric}-${rule.hop}" => {
      namespace  = var.metrics.namespace
      metric     = rule.metric
      dimensions = merge(local.of_lake, { hop = rule.hop })
      statistic  = local.catalog[rule.metric].statistic
      unit       = local.catalog[rule.metric].unit
      comparison = local.over
      threshold  = rule.threshold
      seconds    = 300
      periods    = rule.periods
      missing    = local.quiet
      means      = rule.means
    } },
    # A hop that no longer runs emits nothing, and so no other alarm of it would ring.
    { for hop in local.batch : "lake-silent-${hop}" => {
      namespace  = var.metrics.namespace
      metric     = "RunSeconds"
      dimensions = merge(local.of_lake, { hop = hop })
      statistic  = "SampleCount"
      unit       = local.catalog["RunSeconds"].unit
      comparison = local.under
      threshold  = 1
      seconds    = 300
      periods    = ceil(var.thresholds.silence_minutes / 5)
      missing    = local.alarming
      means      = "${hop} has not run for ${var.thresholds.silence_minutes} minutes"
    } },
  )

  stream_alarms = { for table in var.tables : "stream-lag-${table}" => {
    namespace  = var.stream_alarm.namespace
    metric     = var.stream_alarm.metric
    dimensions = { source = table }
    statistic  = "Maximum"
    unit       = "Seconds"
    comparison = local.over
    threshold  = var.stream_alarm.threshold_seconds
    seconds    = var.stream_alarm.period_seconds
    periods    = var.stream_alarm.periods
    missing    = local.alarming
    means      = "the streaming view of ${table} is not refreshed"
  } if var.stream_alarm.enabled }

  # metric, dimensions, statistic, comparison, threshold, periods of five minutes, and what it means.
  platform_rules = merge(
    { for name, rule in {
      kafka-controller = { metric = "ActiveControllerCount", comparison = local.under, missing = local.alarming, means = "the cluster has no controller" }
      kafka-offline    = { metric = "OfflinePartitionsCount", comparison = local.over, missing = local.quiet, means = "partitions have no leader" }
      } : name => merge(rule, {
        namespace = "AWS/Kafka", dimensions = { "Cluster Name" = var.cluster.name }, statistic = "Maximum", threshold = 1, periods = 1
    }) if var.cluster.brokers > 0 },
    { for broker in range(1, var.cluster.brokers + 1) : "kafka-disk-${broker}" => {
      namespace = "AWS/Kafka", metric = "KafkaDataLogsDiskUsed", dimensions = { "Cluster Name" = var.cluster.name, "Broker ID" = tostring(broker) }, statistic = "Maximum", comparison = local.over, threshold = var.thresholds.disk_percent, periods = 1, missing = local.quiet, means = "the disk of broker ${broker} fills"
    } },
    { for broker in range(1, var.cluster.brokers + 1) : "kafka-replicas-${broker}" => {
      namespace = "AWS/Kafka", metric = "UnderReplicatedPartitions", dimensions = { "Cluster Name" = var.cluster.name, "Broker ID" = tostring(broker) }, statistic = "Maximum", comparison = local.over, threshold = 1, periods = 3, missing = local.quiet, means = "broker ${broker} leads partitions with too few replicas in step"
    } },
    { for connector in keys(var.connector_arns) : "connect-errors-${connector}" => {
      namespace = "AWS/KafkaConnect", metric = "ErroredTaskCount", dimensions = { ConnectorName = connector }, statistic = "Maximum", comparison = local.over, threshold = 1, periods = 1, missing = local.quiet, means = "a task of connector ${connector} failed"
    } },
    { for connector in keys(var.connector_arns) : "connect-running-${connector}" => {
      namespace = "AWS/KafkaConnect", metric = "RunningTaskCount", dimensions = { ConnectorName = connector }, statistic = "Maximum", comparison = local.under, threshold = 1, periods = 3, missing = local.alarming, means = "connector ${connector} captures nothing"
    } },
    { for machine, arn in var.state_machine_arns : "machine-${machine}" => {
      namespace = "AWS/States", metric = "ExecutionsFailed", dimensions = { StateMachineArn = arn }, statistic = "Sum", comparison = local.over, threshold = 1, periods = 1, missing = local.quiet, means = "the state machine ${machine} failed"
    } },
    {
      function-errors    = { namespace = "AWS/Lambda", metric = "Errors", dimensions = { FunctionName = var.function_name }, statistic = "Sum", comparison = local.over, threshold = 1, periods = 3, missing = local.quiet, means = "the decoding function fails" }
      function-throttles = { namespace = "AWS/Lambda", metric = "Throttles", dimensions = { FunctionName = var.function_name }, statistic = "Sum", comparison = local.over, threshold = 1, periods = 3, missing = local.quiet, means = "the decoding function is called more often than its concurrency allows" }
    },
    { for name, rule in {
      warehouse-capacity = { metric = "ComputeCapacity", statistic = "Minimum", comparison = local.over, threshold = var.warehouse.most_capacity, periods = 6, missing = local.quiet, means = "the warehouse has been at its most RPUs for half an hour" }
    } : name => merge(rule, { namespace = "AWS/Redshift-Serverless", dimensions = { Workgroup = var.warehouse.name } }) if var.warehouse.kind == "workgroup" && var.warehouse.most_capacity > 0 },
    { for name, rule in {
      warehouse-health = { metric = "HealthStatus", statistic = "Minimum", comparison = local.under, threshold = 1, periods = 2, missing = local.alarming, means = "the warehouse is not healthy" }
      warehouse-disk   = { metric = "PercentageDiskSpaceUsed", statistic = "Maximum", comparison = local.over, threshold = var.thresholds.disk_percent, periods = 1, missing = local.quiet, means = "the warehouse's storage fills" }
      warehouse-cpu    = { metric = "CPUUtilization", statistic = "Average", comparison = local.over, threshold = 90, periods = 6, missing = local.quiet, means = "the warehouse is too small for its work" }
    } : name => merge(rule, { namespace = "AWS/Redshift", dimensions = { ClusterIdentifier = var.warehouse.name } }) if var.warehouse.kind == "cluster" },
  )
  platform_alarms = { for name, rule in local.platform_rules : name => merge(rule, { unit = null, seconds = 300 }) }

  alarms = merge(local.lake_alarms, local.stream_alarms, local.platform_alarms)
}

resource "aws_cloudwatch_metric_alarm" "this" {
  for_each            = local.alarms
  alarm_name          = "${var.name}-${each.key}"
  alarm_description   = each.value.means
  namespace           = each.value.namespace
  metric_name         = each.value.metric
  dimensions          = each.value.dimensions
  statistic           = each.value.statistic
  unit                = each.value.unit
  comparison_operator = each.value.comparison
  threshold           = each.value.threshold
  period              = each.value.seconds
  evaluation_periods  = each.value.periods
  treat_missing_data  = each.value.missing
  alarm_actions       = [aws_sns_topic.alarms.arn]
  ok_actions          = [aws_sns_topic.alarms.arn]
}
