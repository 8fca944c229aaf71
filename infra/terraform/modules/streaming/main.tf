# The Kafka cluster: IAM and TLS only, three zones; one variable says whether it is serverless or provisioned.

locals {
  serverless = var.kind == "serverless"
  arn        = local.serverless ? aws_msk_serverless_cluster.this[0].arn : aws_msk_cluster.this[0].arn
}

resource "aws_msk_serverless_cluster" "this" {
  count        = local.serverless ? 1 : 0
  cluster_name = var.name

  client_authentication {
    sasl {
      iam {
        enabled = true
      }
    }
  }
  vpc_config {
    subnet_ids         = var.private_subnet_ids
    security_group_ids = [var.security_group_ids["msk"]]
  }
}

data "aws_msk_bootstrap_brokers" "serverless" {
  count       = local.serverless ? 1 : 0
  cluster_arn = aws_msk_serverless_cluster.this[0].arn
}

resource "aws_cloudwatch_log_group" "brokers" {
  # checkov:skip=CKV_AWS_338:how long logs are kept is each environment's choice; prod keeps them for more than a year
  count             = local.serverless ? 0 : 1
  name              = "/aws/msk/${var.name}"
  retention_in_days = var.log_retention_days
  kms_key_id        = var.kms_key_arns["logs"]
}

resource "aws_msk_configuration" "this" {
  count          = local.serverless ? 0 : 1
  name           = var.name
  kafka_versions = [var.provisioned.kafka_version]
  description    = "Nothing is acknowledged before two zones have it; no topic comes about by accident."
  server_properties = join("\n", [
    "auto.create.topics.enable=false",
    "default.replication.factor=3",
    "min.insync.replicas=2",
    "unclean.leader.election.enable=false",
    "log.retention.hours=${var.retention_days * 24}",
    "offsets.retention.minutes=${var.retention_days * 24 * 60}",
    "",
  ])
  lifecycle {
    create_before_destroy = true
  }
}

resource "aws_msk_cluster" "this" {
  count                  = local.serverless ? 0 : 1
  cluster_name           = var.name
  kafka_version          = var.provisioned.kafka_version
  number_of_broker_nodes = 3 * var.provisioned.brokers_per_zone
  enhanced_monitoring    = "PER_TOPIC_PER_BROKER"

  broker_node_group_info {
    instance_type   = var.provisioned.instance_type
    client_subnets  = var.private_subnet_ids
    security_groups = [var.security_group_ids["msk"]]
    connectivity_info {
      public_access {
        type = "DISABLED"
      }
    }
    storage_info {
      ebs_storage_info {
        volume_size = var.provisioned.volume_gib
        dynamic "provisioned_throughput" {
          for_each = var.provisioned.volume_throughput > 0 ? [var.provisioned.volume_throughput] : []
          content {
            enabled           = true
            volume_throughput = provisioned_throughput.value
          }
        }
      }
    }
  }

  client_authentication {
    unauthenticated = false
    sasl {
      iam = true
    }
  }
  configuration_info {
    arn      = aws_msk_configuration.this[0].arn
    revision = aws_msk_configuration.this[0].latest_revision
  }
  encryption_info {
    encryption_at_rest_kms_key_arn = var.kms_key_arns["stream"]
    encryption_in_transit {
      client_broker = "TLS"
      in_cluster    = true
    }
  }
  logging_info {
    broker_logs {
      cloudwatch_logs {
        enabled   = true
        log_group = aws_cloudwatch_log_group.brokers[0].name
      }
    }
  }

  lifecycle {
    # Disks grow by themselves (below), and never shrink.
    ignore_changes = [broker_node_group_info[0].storage_info[0].ebs_storage_info[0].volume_size]
  }
}

resource "aws_appautoscaling_target" "disks" {
  count              = local.serverless ? 0 : 1
  service_namespace  = "kafka"
  resource_id        = aws_msk_cluster.this[0].arn
  scalable_dimension = "kafka:broker-storage:VolumeSize"
  min_capacity       = 1
  max_capacity       = var.provisioned.most_volume_gib
}

resource "aws_appautoscaling_policy" "disks" {
  count              = local.serverless ? 0 : 1
  name               = "${var.name}-disks"
  policy_type        = "TargetTrackingScaling"
  service_namespace  = aws_appautoscaling_target.disks[0].service_namespace
  resource_id        = aws_appautoscaling_target.disks[0].resource_id
  scalable_dimension = aws_appautoscaling_target.disks[0].scalable_dimension

  target_tracking_scaling_policy_configuration {
    target_value     = var.provisioned.grow_at_percent
    disable_scale_in = true
    predefined_metric_specification {
      predefined_metric_type = "KafkaBrokerStorageUtilization"
    }
  }
}
