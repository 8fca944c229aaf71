# Applies each environment whole, on a provider that makes nothing. What the provider would compute and we parse (ARNs,
# JSON) has a shape here; the policies of documents are read from their statements, not from this JSON.

mock_provider "aws" {
  mock_data "aws_availability_zones" { defaults = { names = ["eu-central-1a", "eu-central-1b", "eu-central-1c"] } }
  mock_data "aws_region" { defaults = { name = "eu-central-1" } }
  mock_data "aws_partition" { defaults = { partition = "aws" } }
  mock_data "aws_caller_identity" { defaults = { account_id = "123456789012" } }
  mock_data "aws_iam_policy_document" { defaults = { json = "{\"Version\":\"2012-10-17\",\"Statement\":[]}" } }
  mock_data "aws_msk_bootstrap_brokers" { defaults = { bootstrap_brokers_sasl_iam = "boot-x.c1.kafka-serverless.eu-central-1.amazonaws.com:9098" } }
  mock_resource "aws_iam_role" { defaults = { arn = "arn:aws:iam::123456789012:role/x" } }
  mock_resource "aws_iam_policy" { defaults = { arn = "arn:aws:iam::123456789012:policy/x" } }
  mock_resource "aws_kms_key" { defaults = { arn = "arn:aws:kms:eu-central-1:123456789012:key/k" } }
  mock_resource "aws_sns_topic" { defaults = { arn = "arn:aws:sns:eu-central-1:123456789012:t" } }
  mock_resource "aws_s3_bucket" { defaults = { arn = "arn:aws:s3:::b" } }
  mock_resource "aws_cloudwatch_log_group" { defaults = { arn = "arn:aws:logs:eu-central-1:123456789012:log-group:x" } }
  mock_resource "aws_sfn_state_machine" { defaults = { arn = "arn:aws:states:eu-central-1:123456789012:stateMachine:x" } }
  mock_resource "aws_secretsmanager_secret" { defaults = { arn = "arn:aws:secretsmanager:eu-central-1:123456789012:secret:x" } }
  mock_resource "aws_glue_registry" { defaults = { arn = "arn:aws:glue:eu-central-1:123456789012:registry/x" } }
  mock_resource "aws_msk_serverless_cluster" { defaults = { arn = "arn:aws:kafka:eu-central-1:123456789012:cluster/x/0-s1" } }
  mock_resource "aws_msk_cluster" { defaults = { arn = "arn:aws:kafka:eu-central-1:123456789012:cluster/x/0-1", bootstrap_brokers_sasl_iam = "b-1.x.kafka.eu-central-1.amazonaws.com:9098" } }
  mock_resource "aws_msk_configuration" { defaults = { arn = "arn:aws:kafka:eu-central-1:123456789012:configuration/x/1", latest_revision = 1 } }
  mock_resource "aws_mskconnect_custom_plugin" { defaults = { arn = "arn:aws:kafkaconnect:eu-central-1:123456789012:custom-plugin/x/1", latest_revision = 1 } }
  mock_resource "aws_mskconnect_worker_configuration" { defaults = { arn = "arn:aws:kafkaconnect:eu-central-1:123456789012:worker-configuration/x/1", latest_revision = 1 } }
  mock_resource "aws_mskconnect_connector" { defaults = { arn = "arn:aws:kafkaconnect:eu-central-1:123456789012:connector/x/1" } }
  mock_resource "aws_athena_workgroup" { defaults = { arn = "arn:aws:athena:eu-central-1:123456789012:workgroup/x" } }
  mock_resource "aws_redshiftserverless_workgroup" { defaults = { arn = "arn:aws:redshift-serverless:eu-central-1:123456789012:workgroup/x" } }
  mock_resource "aws_redshiftserverless_namespace" { defaults = { arn = "arn:aws:redshift-serverless:eu-central-1:123456789012:namespace/x" } }
  mock_resource "aws_redshift_cluster" { defaults = { arn = "arn:aws:redshift:eu-central-1:123456789012:cluster:x" } }
  mock_resource "aws_lambda_function" { defaults = { arn = "arn:aws:lambda:eu-central-1:123456789012:function:x" } }
  mock_resource "aws_backup_vault" { defaults = { arn = "arn:aws:backup:eu-central-1:123456789012:backup-vault:x" } }
  mock_resource "aws_ce_anomaly_monitor" { defaults = { arn = "arn:aws:ce::123456789012:anomalymonitor/x" } }
}

mock_provider "aws" {
  alias = "replica"
  mock_data "aws_region" { defaults = { name = "eu-west-1" } }
  mock_resource "aws_kms_key" { defaults = { arn = "arn:aws:kms:eu-west-1:123456789012:key/r" } }
}

variables {
  account_id      = "123456789012"
  region          = "eu-central-1"
  replica_region  = "eu-west-1"
  alarm_emails    = ["lake@example.com"]
  streaming_views = true
  release = {
    wheel           = "releases/1/medallion_lake-0.1.0-py3-none-any.whl"
    script          = "releases/2/glue_script.py"
    decode_function = "releases/3/decode.zip"
    requirements    = "releases/4/requirements.txt"
    jars            = ["releases/5/a.jar"]
    connectors      = ["releases/6/debezium.zip"]
  }
  source_database = { host = "sql.retail.example.com", database = "retail" }
  # prod has a VPN, qa a peering, dev no way of ours.
  source_network = {
    way   = "vpn"
    cidrs = ["10.90.0.0/16"]
    dns   = { domain = "retail.example.com", servers = ["10.90.0.10", "10.90.0.11"] }
    vpn   = { gateway_address = "203.0.113.10" }
  }
}

run "dev" {
  variables {
    source_network = null
  }
  module {
    source = "../../../../infra/terraform/environments/dev"
  }
}

run "qa" {
  variables {
    source_network = {
      way     = "peering"
      cidrs   = ["10.90.0.0/16", "10.91.0.0/16"]
      peering = { vpc_id = "vpc-0123456789abcdef0", account_id = "210987654321" }
    }
  }
  module {
    source = "../../../../infra/terraform/environments/qa"
  }
}

run "prod" {
  module {
    source = "../../../../infra/terraform/environments/prod"
  }
}
