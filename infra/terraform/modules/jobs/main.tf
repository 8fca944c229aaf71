# One Glue job for each entry of the code (glue_jobs/entries.py); all run one script, from one wheel.

data "aws_partition" "this" {}
data "aws_region" "this" {}
data "aws_caller_identity" "this" {}

data "aws_subnet" "private" {
  count = length(var.private_subnet_ids)
  id    = var.private_subnet_ids[count.index]
}

locals {
  artifacts  = "s3://${var.artifacts_bucket.name}"
  lake_uri   = "s3://${var.lake_bucket.name}"
  log_folder = "/aws-glue/${var.name}"
  lake = merge(
    { "--pipeline" = var.pipeline, "--lake-uri" = local.lake_uri, "--environment" = var.environment },
    { for name, value in { "--lineage-uri" = var.lineage_uri } : name => value if value != "" },
  )
  iceberg = merge(local.lake, { "--catalog-uri" = "glue" })

  # What each entry parses, beside what Glue reads itself. A test feeds it to the entry's own parser.
  arguments = {
    kafka_to_landing = merge(local.lake, {
      "--bootstrap"  = var.kafka.bootstrap_brokers
      "--kafka-auth" = "iam"
      "--registry"   = "glue:${data.aws_region.this.name}"
    })
    landing_to_staging = local.iceberg
    staging_to_curated = local.iceberg
    curated_to_warehouse = merge(local.lake, {
      "--warehouse-uri" = var.warehouse.data_api_uri
      "--copy-role"     = var.warehouse.copy_role_arn
    })
    maintenance = local.iceberg
    reconcile = merge(local.iceberg, {
      "--bootstrap"     = var.kafka.bootstrap_brokers
      "--kafka-auth"    = "iam"
      "--warehouse-uri" = var.warehouse.data_api_uri
    })
    # Which letters, and what becomes of them, each run is told by who starts it.
    redrive = merge(local.iceberg, { "--registry" = "glue:${data.aws_region.this.name}" })
  }

  # What a JVM must know as it starts; everything else the code's own session sets.
  conf = {
    "spark.driver.extraJavaOptions"   = join(" ", var.jvm_options)
    "spark.executor.extraJavaOptions" = join(" ", var.jvm_options)
  }

  glues_own = {
    "--additional-python-modules"    = "${local.artifacts}/${var.release.wheel}"
    "--extra-jars"                   = join(",", [for jar in var.release.jars : "${local.artifacts}/${jar}"])
    "--datalake-formats"             = "iceberg"
    "--conf"                         = join(" --conf ", [for key, value in local.conf : "${key}=${value}"])
    "--enable-auto-scaling"          = "true"
    "--enable-metrics"               = "true"
    "--enable-observability-metrics" = "true"
    "--custom-logGroup-prefix"       = local.log_folder
    "--enable-spark-ui"              = "true"
    "--job-bookmark-option"          = "job-bookmark-disable"
  }
}

resource "aws_glue_security_configuration" "this" {
  name = var.name
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

# A run takes the first zone whose subnet can have it.
resource "aws_glue_connection" "network" {
  count           = length(var.private_subnet_ids)
  name            = "${var.name}-network-${count.index + 1}"
  description     = "The way from Glue into private subnet ${count.index + 1}."
  connection_type = "NETWORK"
  physical_connection_requirements {
    availability_zone      = data.aws_subnet.private[count.index].availability_zone
    security_group_id_list = [var.security_group_ids["glue"]]
    subnet_id              = var.private_subnet_ids[count.index]
  }
}

# Glue 5 names the groups of a job by prefix, security configuration and role ("Logging for AWS Glue jobs"). What a job
# prints goes to output: log lines, and metrics that CloudWatch takes out of them.
resource "aws_cloudwatch_log_group" "job" {
  for_each          = { for pair in setproduct(keys(local.arguments), ["output", "error"]) : "${pair[0]}/${pair[1]}" => pair }
  name              = "${local.log_folder}/${aws_glue_security_configuration.this.name}-role/${aws_iam_role.job[each.value[0]].name}/${each.value[1]}"
  retention_in_days = var.log_retention_days
  kms_key_id        = var.kms_key_arns["logs"]
}

resource "aws_glue_job" "this" {
  for_each               = local.arguments
  name                   = "${var.name}-${replace(each.key, "_", "-")}"
  description            = "Entry ${each.key} of the pipeline ${var.pipeline}."
  role_arn               = aws_iam_role.job[each.key].arn
  glue_version           = "5.1"
  worker_type            = each.key == "kafka_to_landing" ? var.stream.worker_type : var.batch.worker_type
  number_of_workers      = each.key == "kafka_to_landing" ? var.stream.most_workers : var.batch.most_workers
  connections            = aws_glue_connection.network[*].name
  security_configuration = aws_glue_security_configuration.this.name
  # The route waits for a run by its id, and Glue's own retry would be another one: there Step Functions tries again.
  max_retries = each.key == "kafka_to_landing" ? 3 : contains(local.batch, each.key) ? 0 : var.batch.retries
  # A streaming run has no end: no timeout, but a weekly hour in which Glue may restart it.
  timeout            = each.key == "kafka_to_landing" ? null : var.batch.timeout_minutes
  maintenance_window = each.key == "kafka_to_landing" ? var.stream.maintenance_window : null
  # Nobody waits for maintenance: spare capacity is a third cheaper.
  execution_class = each.key == "kafka_to_landing" ? null : each.key == "maintenance" && contains(["G.1X", "G.2X"], var.batch.worker_type) ? "FLEX" : "STANDARD"

  command {
    name            = each.key == "kafka_to_landing" ? "gluestreaming" : "glueetl"
    python_version  = "3"
    script_location = "${local.artifacts}/${var.release.script}"
  }

  depends_on = [aws_cloudwatch_log_group.job]

  # Two runs of a job would only wait for each other's commits, or refuse.
  execution_property {
    max_concurrent_runs = 1
  }

  default_arguments = merge(local.glues_own, each.value, {
    "--entry"                 = each.key
    "--spark-event-logs-path" = "s3://${var.logs_bucket.name}/spark/${each.key}/"
    },
    { for name, value in { "--auto-scale-within-microbatch" = "true" } : name => value if each.key == "kafka_to_landing" },
    # It reads topics beside Spark, with a client of its own.
    { for name, value in { "--additional-python-modules" = join(",", concat(["${local.artifacts}/${var.release.wheel}"], var.client_packages)) } : name => value if each.key == "reconcile" },
  )
}
