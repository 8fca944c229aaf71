# What no environment has switched on yet: streaming views that are there and watched, elastic resizes by the clock.

terraform {
  required_version = "~> 1.11"
  required_providers {
    aws = {
      source                = "hashicorp/aws"
      version               = "5.100.0"
      configuration_aliases = [aws.replica]
    }
  }
}

locals {
  code = jsondecode(file("${path.module}/../../../../infra/terraform/lake/retail.json"))
  name = "retail-datalake-test"
  key  = "arn:aws:kms:eu-west-1:123456789012:key/k"
  msk  = "arn:aws:kafka:eu-west-1:123456789012"
}

module "warehouse" {
  source             = "../../../../infra/terraform/modules/warehouse"
  providers          = { aws = aws, aws.replica = aws.replica }
  name               = local.name
  kind               = "provisioned"
  database           = "retail"
  private_subnet_ids = ["subnet-1", "subnet-2", "subnet-3"]
  security_group_ids = { redshift = "sg-1", lambda = "sg-2" }
  kms_key_arns       = { data = local.key, logs = local.key, secrets = local.key }
  lake_bucket        = { name = local.name, arn = "arn:aws:s3:::${local.name}" }
  artifacts_bucket   = { name = "${local.name}-artifacts", arn = "arn:aws:s3:::${local.name}-artifacts" }
  log_retention_days = 30
  database_names     = local.code.databases
  usage_limits       = local.code.usage_limits
  kafka              = { cluster_arn = "${local.msk}:cluster/x/y", topic_arn_prefix = "${local.msk}:topic/x/y/", group_arn_prefix = "${local.msk}:group/x/y/" }
  topics             = values(local.code.topics)
  registry_arn       = "arn:aws:glue:eu-west-1:123456789012:registry/r"
  registry_name      = "r"
  udf                = { key = "releases/1/decode.zip", handler = local.code.function_handler }
  stream             = merge(local.code.stream, { running = true })
  provisioned = {
    resizes = {
      day   = { schedule = "cron(0 6 ? * MON-FRI *)", nodes = 4 }
      night = { schedule = "cron(0 20 ? * MON-FRI *)", nodes = 2 }
    }
  }
}

module "watching" {
  source             = "../../../../infra/terraform/modules/watching"
  name               = local.name
  environment        = "test"
  pipeline           = "retail"
  metrics            = local.code.metrics
  stream_alarm       = merge(local.code.stream.alarm, { enabled = true })
  tables             = keys(local.code.topics)
  job_names          = {}
  state_machine_arns = module.warehouse.state_machine_arns
  cluster            = { name = local.name, brokers = 3 }
  connector_arns     = {}
  warehouse          = module.warehouse.workgroup_or_cluster
  function_name      = element(split(":", module.warehouse.udf_function_name), 0)
}
