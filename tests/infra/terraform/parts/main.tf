terraform {
  required_providers {
    aws = {
      source                = "hashicorp/aws"
      version               = "5.100.0"
      configuration_aliases = [aws.replica]
    }
  }
}
variable "kind" { default = "serverless" }
locals {
  code    = jsondecode(file("${path.module}/../../../../infra/terraform/lake/retail.json"))
  name    = "retail-datalake-dev"
  key     = "arn:aws:kms:eu-west-1:123456789012:key/k"
  lake    = { name = local.name, arn = "arn:aws:s3:::${local.name}" }
  art     = { name = "${local.name}-artifacts", arn = "arn:aws:s3:::${local.name}-artifacts" }
  logs    = { name = "${local.name}-logs", arn = "arn:aws:s3:::${local.name}-logs" }
  kafka   = { bootstrap_brokers = "b-1:9098,b-2:9098", cluster_arn = "arn:aws:kafka:eu-west-1:123456789012:cluster/x/y", topic_arn_prefix = "arn:aws:kafka:eu-west-1:123456789012:topic/x/y/", group_arn_prefix = "arn:aws:kafka:eu-west-1:123456789012:group/x/y/" }
  keys    = { data = local.key, logs = "${local.key}l", secrets = "${local.key}s", stream = local.key }
  sg      = { glue = "sg-1", redshift = "sg-2", lambda = "sg-3" }
  subnets = ["subnet-1", "subnet-2", "subnet-3"]
}
module "jobs" {
  source             = "../../../../infra/terraform/modules/jobs"
  name               = local.name
  environment        = "dev"
  pipeline           = "retail"
  private_subnet_ids = local.subnets
  security_group_ids = local.sg
  kms_key_arns       = local.keys
  lake_bucket        = local.lake
  artifacts_bucket   = local.art
  logs_bucket        = local.logs
  log_retention_days = 30
  release            = { wheel = "releases/1/medallion_lake-0.1.0-py3-none-any.whl", script = "releases/1/glue_script.py", jars = ["releases/1/a.jar"] }
  jvm_options        = local.code.jvm_options
  client_packages    = local.code.client_packages
  kafka              = local.kafka
  topics             = values(local.code.topics)
  registry_arn       = "arn:aws:glue:eu-west-1:123456789012:registry/r"
  registry_name      = "r"
  database_names     = merge(local.code.databases, { landing = "retail_landing" })
  warehouse          = { kind = module.warehouse.kind, arn = module.warehouse.arn, credentials_arn = module.warehouse.credentials_arn, data_api_uri = module.warehouse.data_api_uri, copy_role_arn = module.warehouse.role_arn }
}
module "warehouse" {
  source             = "../../../../infra/terraform/modules/warehouse"
  providers          = { aws = aws, aws.replica = aws.replica }
  name               = local.name
  kind               = var.kind
  database           = "retail"
  private_subnet_ids = local.subnets
  security_group_ids = local.sg
  kms_key_arns       = local.keys
  lake_bucket        = local.lake
  artifacts_bucket   = local.art
  log_retention_days = 30
  database_names     = local.code.databases
  usage_limits       = local.code.usage_limits
  kafka              = { cluster_arn = local.kafka.cluster_arn, topic_arn_prefix = local.kafka.topic_arn_prefix, group_arn_prefix = local.kafka.group_arn_prefix }
  topics             = values(local.code.topics)
  registry_arn       = "arn:aws:glue:eu-west-1:123456789012:registry/r"
  registry_name      = "r"
  udf                = { key = "releases/1/decode.zip", handler = local.code.function_handler }
  stream             = local.code.stream
  snapshot_copy      = { days = 7, region = "eu-central-1", kms_key_arn = local.key }
  provisioned        = { resizes = { day = { schedule = "cron(0 6 ? * MON-FRI *)", nodes = 4 }, night = { schedule = "cron(0 20 ? * MON-FRI *)", nodes = 2 } } }
}
module "watching" {
  source             = "../../../../infra/terraform/modules/watching"
  name               = local.name
  environment        = "dev"
  pipeline           = "retail"
  emails             = ["a@b.c"]
  metrics            = local.code.metrics
  stream_alarm       = merge(local.code.stream.alarm, { enabled = true })
  tables             = keys(local.code.topics)
  job_names          = module.jobs.job_names
  state_machine_arns = merge(module.jobs.state_machine_arns, module.warehouse.state_machine_arns)
  cluster            = { name = local.name, brokers = 3 }
  connector_arns     = { sqlserver = "arn:x" }
  warehouse          = module.warehouse.workgroup_or_cluster
  function_name      = "f"
}
module "safety" {
  source      = "../../../../infra/terraform/modules/safety"
  name        = local.name
  kms_key_arn = local.key
  resources   = { bucket = local.lake.arn, warehouse = module.warehouse.backup_arn }
  objectives  = { rpo_hours = 24, rto_hours = 8 }
  rehearse    = true
  lock        = true
}
module "cost" {
  source          = "../../../../infra/terraform/modules/cost"
  name            = local.name
  environment     = "dev"
  alarm_topic_arn = module.watching.alarm_topic_arn
  monthly_limit   = 500
  service_limits  = { "Amazon Redshift" = 200 }
  anomaly_dollars = 50
  manage_tags     = true
}
