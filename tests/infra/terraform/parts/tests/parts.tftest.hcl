mock_provider "aws" {
  mock_data "aws_region" { defaults = { name = "eu-west-1" } }
  mock_data "aws_partition" { defaults = { partition = "aws" } }
  mock_data "aws_caller_identity" { defaults = { account_id = "123456789012" } }
  mock_data "aws_iam_policy_document" { defaults = { json = "{\"Version\":\"2012-10-17\",\"Statement\":[]}" } }
  mock_resource "aws_iam_role" { defaults = { arn = "arn:aws:iam::123456789012:role/x" } }
  mock_resource "aws_kms_key" { defaults = { arn = "arn:aws:kms:eu-west-1:123456789012:key/k" } }
  mock_resource "aws_sns_topic" { defaults = { arn = "arn:aws:sns:eu-west-1:123456789012:t" } }
  mock_resource "aws_cloudwatch_log_group" { defaults = { arn = "arn:aws:logs:eu-west-1:123456789012:log-group:x" } }
  mock_resource "aws_sfn_state_machine" { defaults = { arn = "arn:aws:states:eu-west-1:123456789012:stateMachine:x" } }
  mock_resource "aws_redshiftserverless_workgroup" { defaults = { arn = "arn:aws:redshift-serverless:eu-west-1:123456789012:workgroup/x" } }
  mock_resource "aws_redshiftserverless_namespace" { defaults = { arn = "arn:aws:redshift-serverless:eu-west-1:123456789012:namespace/x" } }
  mock_resource "aws_redshift_cluster" { defaults = { arn = "arn:aws:redshift:eu-west-1:123456789012:cluster:x" } }
  mock_resource "aws_lambda_function" { defaults = { arn = "arn:aws:lambda:eu-west-1:123456789012:function:x" } }
  mock_resource "aws_backup_vault" { defaults = { arn = "arn:aws:backup:eu-west-1:123456789012:backup-vault:x" } }
  mock_resource "aws_ce_anomaly_monitor" { defaults = { arn = "arn:aws:ce::123456789012:anomalymonitor/x" } }
}
mock_provider "aws" {
  alias = "replica"
}
run "serverless" {
  providers = { aws = aws, aws.replica = aws.replica }
  command   = apply
}
run "provisioned" {
  variables { kind = "provisioned" }
  providers = { aws = aws, aws.replica = aws.replica }
  command   = apply
}
