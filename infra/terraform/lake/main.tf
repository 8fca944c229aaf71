# One lake, whole: modules and what they give each other. What the code states comes from retail.json (lake/stated.py).

data "aws_region" "replica" {
  provider = aws.replica
}

locals {
  code      = jsondecode(file("${path.module}/retail.json"))
  pipeline  = local.code.pipeline
  tables    = sort(keys(local.code.topics))
  name      = coalesce(var.name, "${local.pipeline}-datalake-${var.environment}")
  databases = merge({ landing = "${local.pipeline}_landing" }, local.code.databases)
  service_topics = [
    "${local.pipeline}.signal", "__debezium-heartbeat.${local.pipeline}",
  ]
  plugin_key = one([for key in var.release.connectors : key if endswith(key, ".zip")])
}

module "keys" {
  source    = "../modules/keys"
  providers = { aws = aws, aws.replica = aws.replica }
  name      = local.name
  replica   = var.replica.enabled
}

module "network" {
  source             = "../modules/network"
  name               = local.name
  cidr               = var.network.cidr
  nat_gateways       = var.network.nat_gateways
  source_cidrs       = try(var.source_network.cidrs, [])
  source_port        = try(var.source_database.port, 1433)
  log_key_arn        = module.keys.key_arns["logs"]
  log_retention_days = var.retention.log_days
}

module "source_network" {
  count                   = var.source_network == null ? 0 : 1
  source                  = "../modules/source_network"
  name                    = local.name
  vpc_id                  = module.network.vpc_id
  vpc_cidr                = module.network.vpc_cidr
  private_subnet_ids      = module.network.private_subnet_ids
  private_route_table_ids = module.network.private_route_table_ids
  source_network          = var.source_network
  kms_key_arns            = module.keys.key_arns
  log_retention_days      = var.retention.log_days
}

module "storage" {
  source          = "../modules/storage"
  providers       = { aws = aws, aws.replica = aws.replica }
  name            = local.name
  kms_key_arns    = module.keys.key_arns
  tables          = local.tables
  landing_days    = var.retention.landing_days
  archive_days    = var.retention.archive_days
  noncurrent_days = var.retention.version_days
  log_days        = var.retention.log_days
  replica         = { enabled = var.replica.enabled, kms_key_arn = module.keys.replica_key_arn, archive_days = var.replica.archive_days }
  force_destroy   = !var.deletion_protection
}

module "streaming" {
  source             = "../modules/streaming"
  name               = local.name
  kind               = var.kafka.kind
  provisioned        = var.kafka.provisioned
  private_subnet_ids = module.network.private_subnet_ids
  security_group_ids = module.network.security_group_ids
  kms_key_arns       = module.keys.key_arns
  log_retention_days = var.retention.log_days
  retention_days     = var.retention.topic_days
  topics             = { for table, topic in local.code.topics : topic => var.throughput[table] }
  service_topics     = local.service_topics
  sizing             = local.code.sizing
}

module "capture" {
  source             = "../modules/capture"
  name               = local.name
  pipeline           = local.pipeline
  tables             = local.code.topics
  source_database    = var.source_database
  plugin_key         = local.plugin_key == null ? "" : local.plugin_key
  artifacts_bucket   = module.storage.artifacts_bucket
  private_subnet_ids = module.network.private_subnet_ids
  security_group_ids = module.network.security_group_ids
  kms_key_arns       = module.keys.key_arns
  kafka              = local.kafka
  capacity           = var.kafka.connect_mcus
  log_retention_days = var.retention.log_days
}

module "catalog" {
  source             = "../modules/catalog"
  name               = local.name
  databases          = local.databases
  tables             = local.tables
  lake_bucket        = module.storage.lake_bucket
  logs_bucket        = module.storage.logs_bucket
  kms_key_arns       = module.keys.key_arns
  log_retention_days = var.retention.log_days
}

module "jobs" {
  source             = "../modules/jobs"
  name               = local.name
  environment        = var.environment
  pipeline           = local.pipeline
  private_subnet_ids = module.network.private_subnet_ids
  security_group_ids = module.network.security_group_ids
  kms_key_arns       = module.keys.key_arns
  lake_bucket        = module.storage.lake_bucket
  artifacts_bucket   = module.storage.artifacts_bucket
  logs_bucket        = module.storage.logs_bucket
  log_retention_days = var.retention.log_days
  release            = var.release
  jvm_options        = local.code.jvm_options
  client_packages    = local.code.client_packages
  kafka              = local.kafka
  topics             = values(local.code.topics)
  registry_arn       = module.capture.registry_arn
  registry_name      = module.capture.registry_name
  database_names     = module.catalog.database_names
  stream             = var.jobs.stream
  batch              = var.jobs.batch
  schedules          = var.jobs.schedules
  lineage_uri        = var.jobs.lineage_uri
  warehouse = {
    kind            = module.warehouse.kind
    arn             = module.warehouse.arn
    credentials_arn = module.warehouse.credentials_arn
    data_api_uri    = module.warehouse.data_api_uri
    copy_role_arn   = module.warehouse.role_arn
  }
}

module "warehouse" {
  source              = "../modules/warehouse"
  providers           = { aws = aws, aws.replica = aws.replica }
  name                = local.name
  kind                = var.warehouse.kind
  database            = local.pipeline
  private_subnet_ids  = module.network.private_subnet_ids
  security_group_ids  = module.network.security_group_ids
  kms_key_arns        = module.keys.key_arns
  lake_bucket         = module.storage.lake_bucket
  artifacts_bucket    = module.storage.artifacts_bucket
  log_retention_days  = var.retention.log_days
  database_names      = module.catalog.database_names
  deletion_protection = var.deletion_protection
  serverless          = var.warehouse.serverless
  provisioned         = var.warehouse.provisioned
  snapshot_copy = {
    days        = var.replica.enabled && var.warehouse.kind == "provisioned" ? var.warehouse.copy_days : 0
    region      = data.aws_region.replica.name
    kms_key_arn = module.keys.replica_key_arn
  }
  usage_limits  = local.code.usage_limits
  kafka         = local.kafka
  topics        = values(local.code.topics)
  registry_arn  = module.capture.registry_arn
  registry_name = module.capture.registry_name
  udf           = { key = var.release.decode_function, handler = local.code.function_handler }
  stream        = merge(local.code.stream, { running = var.streaming_views })
  operators     = var.operators
}

module "watching" {
  source             = "../modules/watching"
  name               = local.name
  environment        = var.environment
  pipeline           = local.pipeline
  emails             = var.alarm_emails
  metrics            = local.code.metrics
  stream_alarm       = merge(local.code.stream.alarm, { enabled = var.streaming_views })
  tables             = local.tables
  job_names          = module.jobs.job_names
  state_machine_arns = merge(module.jobs.state_machine_arns, module.warehouse.state_machine_arns)
  cluster            = { name = module.streaming.cluster_name, brokers = module.streaming.brokers }
  connector_arns     = module.capture.connector_arns
  warehouse          = module.warehouse.workgroup_or_cluster
  function_name      = element(split(":", module.warehouse.udf_function_name), 0)
}

module "safety" {
  source      = "../modules/safety"
  name        = local.name
  kms_key_arn = module.keys.key_arns["data"]
  resources   = { bucket = module.storage.lake_bucket.arn, warehouse = module.warehouse.backup_arn }
  objectives  = var.recovery.objectives
  keep_days   = var.recovery.keep_days
  lock        = var.recovery.lock
  rehearse    = var.recovery.rehearse

  copy_vault_arn = var.recovery.copy_vault_arn
}

module "cost" {
  source          = "../modules/cost"
  name            = local.name
  environment     = var.environment
  alarm_topic_arn = module.watching.alarm_topic_arn
  monthly_limit   = var.budget.monthly_limit
  service_limits  = var.budget.service_limits
  anomaly_dollars = var.budget.anomaly_dollars
  manage_tags     = var.budget.manage_tags
}

locals {
  kafka = {
    bootstrap_brokers      = module.streaming.bootstrap_brokers_iam
    cluster_arn            = module.streaming.cluster_arn
    topic_arn_prefix       = module.streaming.topic_arn_prefix
    group_arn_prefix       = module.streaming.group_arn_prefix
    transaction_arn_prefix = module.streaming.transaction_arn_prefix
  }
}
