# Applies what stands before an environment on a provider that makes nothing.

mock_provider "aws" {
  mock_data "aws_partition" { defaults = { partition = "aws" } }
  mock_data "aws_region" { defaults = { name = "eu-west-1" } }
  mock_data "aws_caller_identity" { defaults = { account_id = "123456789012" } }
  mock_data "aws_iam_policy_document" { defaults = { json = "{\"Version\":\"2012-10-17\",\"Statement\":[]}" } }
  mock_resource "aws_kms_key" { defaults = { arn = "arn:aws:kms:eu-west-1:123456789012:key/k" } }
  mock_resource "aws_s3_bucket" { defaults = { arn = "arn:aws:s3:::b" } }
  mock_resource "aws_iam_openid_connect_provider" { defaults = { arn = "arn:aws:iam::123456789012:oidc-provider/token.actions.githubusercontent.com" } }
}

variables {
  environment = "dev"
  account_id  = "123456789012"
  region      = "eu-west-1"
  repository  = "owner/lake"
}

run "whole" {
  command = apply
}

run "a_pattern_for_a_repository" {
  command = plan
  variables { repository = "owner/*" }
  expect_failures = [var.repository]
}
