# MSK Connect with Debezium for SQL Server, the registry of its schemas, the secret of its login.

data "aws_partition" "this" {}
data "aws_region" "this" {}
data "aws_caller_identity" "this" {}

locals {
  on      = var.source_database != null && var.plugin_key != "" ? 1 : 0
  account = "${data.aws_region.this.name}:${data.aws_caller_identity.this.account_id}"
  arn     = "arn:${data.aws_partition.this.partition}"
  # A plugin cannot be changed, only replaced: its name holds the release that it comes from.
  plugin_name = "${var.name}-debezium-${substr(sha256(var.plugin_key), 0, 12)}"
}

resource "aws_glue_registry" "this" {
  registry_name = var.name
  description   = "Avro schemas of ${var.pipeline}'s topics, keys and values."
}

# Who captures fills it: {"password": "…"}. Terraform never sees the password.
resource "aws_secretsmanager_secret" "debezium" {
  # checkov:skip=CKV2_AWS_57:the login is the source database's, which is not ours to change; turn it over there, then here
  name                    = local.secret
  description             = "Password of the login debezium at the source database."
  kms_key_id              = var.kms_key_arns["secrets"]
  recovery_window_in_days = 7
}

resource "aws_cloudwatch_log_group" "connect" {
  # checkov:skip=CKV_AWS_338:how long logs are kept is each environment's choice; prod keeps them for more than a year
  name              = "/aws/msk-connect/${var.name}"
  retention_in_days = var.log_retention_days
  kms_key_id        = var.kms_key_arns["logs"]
}

resource "aws_mskconnect_custom_plugin" "debezium" {
  count        = local.on
  name         = local.plugin_name
  description  = "Debezium for SQL Server, the Glue converter, the config provider."
  content_type = "ZIP"
  location {
    s3 {
      bucket_arn = var.artifacts_bucket.arn
      file_key   = var.plugin_key
    }
  }
  lifecycle {
    create_before_destroy = true
  }
}

resource "aws_mskconnect_worker_configuration" "this" {
  # Worker configurations cannot be changed either, and their names are taken for ever: the content is in the name.
  name        = "${var.name}-${substr(sha256(local.worker_properties), 0, 12)}"
  description = "Converters, the place of secrets, offsets that outlive a connector."
  # Offsets lie in a topic of their own name, so that a new connector goes on where the old one ended.
  properties_file_content = local.worker_properties
  lifecycle {
    create_before_destroy = true
  }
}

locals {
  worker_properties = join("\n", concat([
    "key.converter=${local.converter}",
    "value.converter=${local.converter}",
    "config.providers=secretsmanager",
    "config.providers.secretsmanager.class=com.amazonaws.kafka.config.providers.SecretsManagerConfigProvider",
    "config.providers.secretsmanager.param.region=${data.aws_region.this.name}",
    "offset.storage.topic=${var.pipeline}.connect-offsets",
  ], var.exactly_once ? ["exactly.once.source.support=enabled"] : [], [""]))
}

resource "aws_mskconnect_connector" "sqlserver" {
  count                      = local.on
  name                       = "${var.name}-sqlserver"
  description                = "Changes of ${var.pipeline}'s tables."
  kafkaconnect_version       = "3.7.x"
  connector_configuration    = local.configuration
  service_execution_role_arn = aws_iam_role.connect.arn

  capacity {
    provisioned_capacity {
      mcu_count    = var.capacity
      worker_count = 1
    }
  }
  kafka_cluster {
    apache_kafka_cluster {
      bootstrap_servers = var.kafka.bootstrap_brokers
      vpc {
        security_groups = [var.security_group_ids["connect"]]
        subnets         = var.private_subnet_ids
      }
    }
  }
  kafka_cluster_client_authentication {
    authentication_type = "IAM"
  }
  kafka_cluster_encryption_in_transit {
    encryption_type = "TLS"
  }
  plugin {
    custom_plugin {
      arn      = aws_mskconnect_custom_plugin.debezium[0].arn
      revision = aws_mskconnect_custom_plugin.debezium[0].latest_revision
    }
  }
  worker_configuration {
    arn      = aws_mskconnect_worker_configuration.this.arn
    revision = aws_mskconnect_worker_configuration.this.latest_revision
  }
  log_delivery {
    worker_log_delivery {
      cloudwatch_logs {
        enabled   = true
        log_group = aws_cloudwatch_log_group.connect.name
      }
    }
  }
  depends_on = [aws_iam_role_policy.connect]
}
