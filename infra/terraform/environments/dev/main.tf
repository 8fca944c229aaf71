# One lake. Every environment has the same files but for sizes.tf and backend.tf (a test holds them equal).

provider "aws" {
  region              = var.region
  allowed_account_ids = [var.account_id]
  default_tags {
    tags = local.tags
  }
}

provider "aws" {
  alias               = "replica"
  region              = var.replica_region
  allowed_account_ids = [var.account_id]
  default_tags {
    tags = local.tags
  }
}

locals {
  tags = { project = "retail-datalake", environment = local.environment, managed-by = "terraform" }
}

module "lake" {
  source    = "../../lake"
  providers = { aws = aws, aws.replica = aws.replica }

  environment         = local.environment
  name                = var.name
  release             = var.release
  source_database     = var.source_database
  source_network      = var.source_network
  alarm_emails        = var.alarm_emails
  operators           = var.operators
  streaming_views     = var.streaming_views
  network             = local.sizes.network
  retention           = local.sizes.retention
  kafka               = local.sizes.kafka
  throughput          = local.sizes.throughput
  jobs                = local.sizes.jobs
  warehouse           = local.sizes.warehouse
  replica             = local.sizes.replica
  recovery            = local.sizes.recovery
  budget              = local.sizes.budget
  deletion_protection = local.sizes.deletion_protection
}
