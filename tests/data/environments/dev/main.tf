# An environment of nothing but data that Terraform keeps: what `lake deploy` does around it is real.
terraform {
  required_version = "~> 1.11"
  backend "local" {}
}

variable "release" {
  description = "Keys in the artifacts bucket."
  type = object({
    wheel           = string
    script          = string
    decode_function = string
    requirements    = string
    jars            = list(string)
    connectors      = list(string)
  })
}

variable "secret" {
  description = "Never shown."
  type        = string
  sensitive   = true
  default     = "correct horse"
}

variable "name" {
  description = "Prefix of names."
  type        = string
  default     = "retail-datalake-dev"
}

variable "warehouse_uri" {
  description = "A warehouse of one's own."
  type        = string
}

variable "partitions" {
  description = "Of the topic."
  type        = number
  default     = 2
}

variable "broken" {
  description = "Whether an apply fails."
  type        = bool
  default     = false
}

module "lake" {
  source = "./lake"
  name   = var.name
}

resource "terraform_data" "job" {
  input = var.release.wheel

  lifecycle {
    precondition {
      condition     = !var.broken || var.release.wheel == ""
      error_message = "The job cannot be made."
    }
  }
}

resource "terraform_data" "secret" {
  input = var.secret
}

output "name" {
  value = var.name
}

output "lake_bucket" {
  value = { name = var.name }
}

output "artifacts_bucket" {
  value = { name = "${var.name}-artifacts" }
}

output "logs_bucket" {
  value = { name = "${var.name}-logs" }
}

output "database_names" {
  value = { staging = "retail_staging" }
}

output "job_names" {
  value = { landing_to_staging = "${var.name}-landing-to-staging" }
}

output "topics" {
  value = {
    "retail.customer.cdc" = {
      partitions         = var.partitions
      replication_factor = 3
      config             = { "retention.ms" = 604800000 }
    }
  }
}

output "kafka" {
  value = {
    kind              = "provisioned"
    cluster_arn       = "arn:aws:kafka:eu-west-1:123456789012:cluster/${var.name}/0a1b"
    bootstrap_brokers = ""
  }
}

output "warehouse" {
  value = { uri = var.warehouse_uri, copy_role_arn = "" }
}

output "job_wheel" {
  value = terraform_data.job.output
}

output "secret" {
  value     = terraform_data.secret.output
  sensitive = true
}
