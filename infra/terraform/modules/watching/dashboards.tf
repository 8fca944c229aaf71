# One dashboard for each part: the lake's own metrics, Kafka, Glue, the warehouse.

locals {
  region = data.aws_region.this.name

  # title, lines ([namespace, metric, dimension, value, …]) and statistic of each graph.
  graphs = {
    lake = [for name, metric in local.catalog : {
      title = "${name} (${metric.unit})"
      stat  = metric.statistic
      lines = [for hop in metric.hops : [var.metrics.namespace, name, "environment", var.environment, "pipeline", var.pipeline, "hop", hop, { label = hop }]]
    }]

    kafka = concat(
      [for metric in ["BytesInPerSec", "BytesOutPerSec", "MessagesInPerSec"] : {
        title = metric
        stat  = "Average"
        # A serverless cluster has no brokers to tell apart.
        lines = concat(
          [for cluster in [var.cluster.name] : ["AWS/Kafka", metric, "Cluster Name", cluster, { label = "cluster" }] if var.cluster.brokers == 0],
          [for broker in range(1, var.cluster.brokers + 1) : ["AWS/Kafka", metric, "Cluster Name", var.cluster.name, "Broker ID", tostring(broker), { label = "broker ${broker}" }]],
        )
      }],
      [for metric in ["CpuUser", "KafkaDataLogsDiskUsed", "UnderReplicatedPartitions"] : {
        title = metric
        stat  = "Maximum"
        lines = [for broker in range(1, var.cluster.brokers + 1) : ["AWS/Kafka", metric, "Cluster Name", var.cluster.name, "Broker ID", tostring(broker), { label = "broker ${broker}" }]]
      } if var.cluster.brokers > 0],
      [for metric in ["SourceRecordWriteRate", "RunningTaskCount", "ErroredTaskCount"] : {
        title = "Connect: ${metric}"
        stat  = "Average"
        lines = [for connector in keys(var.connector_arns) : ["AWS/KafkaConnect", metric, "ConnectorName", connector, { label = connector }]]
      } if length(var.connector_arns) > 0],
    )

    glue = concat(
      [for metric in ["glue.driver.aggregate.elapsedTime", "glue.driver.aggregate.numFailedTasks", "glue.driver.ExecutorAllocationManager.executors.numberAllExecutors", "glue.driver.jvm.heap.usage"] : {
        title = metric
        stat  = "Maximum"
        lines = [for entry, job in var.job_names : ["Glue", metric, "JobName", job, "JobRunId", "ALL", "Type", strcontains(metric, "aggregate") ? "count" : "gauge", { label = entry }]]
      }],
      [for metric in ["ExecutionsSucceeded", "ExecutionsFailed", "ExecutionTime"] : {
        title = "State machines: ${metric}"
        stat  = metric == "ExecutionTime" ? "Maximum" : "Sum"
        lines = [for machine, arn in var.state_machine_arns : ["AWS/States", metric, "StateMachineArn", arn, { label = machine }]]
      }],
    )

    warehouse = concat(
      [for metric in ["ComputeCapacity", "ComputeSeconds"] : {
        title = metric
        stat  = "Maximum"
        lines = [["AWS/Redshift-Serverless", metric, "Workgroup", var.warehouse.name, { label = var.warehouse.name }]]
      } if var.warehouse.kind == "workgroup"],
      # These have further dimensions (kind of query, database): all of them together.
      [for metric in ["QueriesRunning", "QueriesQueued", "QueriesFailed", "DatabaseConnections"] : {
        title = metric
        stat  = "Maximum"
        lines = [[{ expression = "SUM(SEARCH('Namespace=\"AWS/Redshift-Serverless\" MetricName=\"${metric}\" Workgroup=\"${var.warehouse.name}\"', 'Maximum', 300))", label = var.warehouse.name }]]
      } if var.warehouse.kind == "workgroup"],
      [for metric in ["CPUUtilization", "PercentageDiskSpaceUsed", "RedshiftManagedStorageTotalCapacity", "DatabaseConnections", "QueryDuration", "ConcurrencyScalingSeconds"] : {
        title = metric
        stat  = "Maximum"
        lines = [["AWS/Redshift", metric, "ClusterIdentifier", var.warehouse.name, { label = var.warehouse.name }]]
      } if var.warehouse.kind == "cluster"],
      [
        { title = "Lag of streaming views (Seconds)", stat = "Maximum", lines = [for table in var.tables : [var.stream_alarm.namespace, var.stream_alarm.metric, "source", table, { label = table }]] },
        { title = "Decoding function: duration", stat = "p99", lines = [["AWS/Lambda", "Duration", "FunctionName", var.function_name, { label = "ms" }]] },
        { title = "Decoding function: errors", stat = "Sum", lines = [["AWS/Lambda", "Errors", "FunctionName", var.function_name, { label = "errors" }], ["AWS/Lambda", "Throttles", "FunctionName", var.function_name, { label = "throttles" }]] },
      ],
    )
  }
}

resource "aws_cloudwatch_dashboard" "this" {
  for_each       = local.graphs
  dashboard_name = "${var.name}-${each.key}"
  dashboard_body = jsonencode({
    widgets = [for place, graph in each.value : {
      type   = "metric"
      x      = (place % 3) * 8
      y      = floor(place / 3) * 6
      width  = 8
      height = 6
      properties = {
        title   = graph.title
        region  = local.region
        stat    = graph.stat
        period  = 300
        metrics = graph.lines
      }
    }]
  })
}
