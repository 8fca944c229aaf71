# Databases and tables by which Glue, Athena and Redshift Spectrum find the lake.
#
# Iceberg's tables (staging, curated) are made and changed by the jobs, from the contracts: a second owner of their columns
# would undo what a contract's evolution did. Here are the databases that they lie in. Landed records are plain Parquet,
# which nobody else declares: their tables are here, with partitions by rule, so that no partition is ever added.

locals {
  lake = "s3://${var.lake_bucket.name}"
  locations = {
    landing = "${local.lake}/landing/"
    staging = "${local.lake}/iceberg/${var.databases.staging}.db"
    curated = "${local.lake}/iceberg/${var.databases.curated}.db"
  }
  about = {
    landing = "Raw change events as they came; for diagnosis, since readers of the lake follow its manifests."
    staging = "Change logs: checked, typed, append-only."
    curated = "The star schema."
  }
  partitions = {
    year  = { range = "${var.first_year},${var.first_year + 50}", digits = 4 }
    month = { range = "1,12", digits = 2 }
    day   = { range = "1,31", digits = 2 }
    hour  = { range = "0,23", digits = 2 }
  }
  # docs/architecture.md, "Landing rows".
  columns = [
    ["_topic", "string"], ["_kafka_partition", "int"], ["_offset", "bigint"], ["_kafka_ts", "timestamp"],
    ["_headers", "array<struct<key:string,value:binary>>"], ["_key_schema_id", "string"], ["_schema_id", "string"],
    ["_epoch", "int"], ["_op", "string"], ["_position", "string"], ["_position_id", "string"], ["_source_ts", "timestamp"],
  ]
  order      = ["year", "month", "day", "hour"]
  projection = merge([for part, rule in local.partitions : { "projection.${part}.type" = "integer", "projection.${part}.range" = rule.range, "projection.${part}.digits" = tostring(rule.digits) }]...)
}

resource "aws_glue_catalog_database" "this" {
  for_each     = local.locations
  name         = var.databases[each.key]
  description  = local.about[each.key]
  location_uri = each.value
}

resource "aws_glue_catalog_table" "landing" {
  for_each      = toset(var.tables)
  database_name = aws_glue_catalog_database.this["landing"].name
  name          = each.key
  description   = "Landed changes of ${each.key}."
  table_type    = "EXTERNAL_TABLE"

  parameters = merge({
    "EXTERNAL"                  = "TRUE"
    "classification"            = "parquet"
    "projection.enabled"        = "true"
    "storage.location.template" = "${local.lake}/landing/${each.key}/${join("/", [for part in local.order : "${part}=$${${part}}"])}/"
  }, local.projection)

  dynamic "partition_keys" {
    for_each = local.order
    content {
      name = partition_keys.value
      type = "int"
    }
  }

  storage_descriptor {
    location      = "${local.lake}/landing/${each.key}/"
    input_format  = "org.apache.hadoop.hive.ql.io.parquet.MapredParquetInputFormat"
    output_format = "org.apache.hadoop.hive.ql.io.parquet.MapredParquetOutputFormat"
    ser_de_info {
      serialization_library = "org.apache.hadoop.hive.ql.io.parquet.serde.ParquetHiveSerDe"
    }
    dynamic "columns" {
      for_each = local.columns
      content {
        name = columns.value[0]
        type = columns.value[1]
      }
    }
  }
}

resource "aws_glue_data_catalog_encryption_settings" "this" {
  count = var.encrypt_catalog ? 1 : 0
  data_catalog_encryption_settings {
    connection_password_encryption {
      aws_kms_key_id                       = var.kms_key_arns["data"]
      return_connection_password_encrypted = true
    }
    encryption_at_rest {
      catalog_encryption_mode = "SSE-KMS"
      sse_aws_kms_key_id      = var.kms_key_arns["data"]
    }
  }
}

resource "aws_athena_workgroup" "this" {
  name          = var.name
  description   = "Queries of the lake: encrypted results, a limit to what one reads."
  force_destroy = true
  configuration {
    enforce_workgroup_configuration    = true
    publish_cloudwatch_metrics_enabled = true
    bytes_scanned_cutoff_per_query     = var.scan_limit_gib * 1024 * 1024 * 1024
    engine_version {
      selected_engine_version = "Athena engine version 3"
    }
    result_configuration {
      output_location = "s3://${var.logs_bucket.name}/athena/"
      encryption_configuration {
        encryption_option = "SSE_KMS"
        kms_key_arn       = var.kms_key_arns["logs"]
      }
    }
  }
}
