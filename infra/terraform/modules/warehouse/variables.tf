variable "name" {
  description = "Prefix of every name, such as retail-datalake-dev."
  type        = string
}

variable "kind" {
  description = "serverless (pays for use: dev, qa) or provisioned (RA3, several zones: prod)."
  type        = string
  validation {
    condition     = contains(["serverless", "provisioned"], var.kind)
    error_message = "The warehouse is serverless or provisioned."
  }
}

variable "database" {
  description = "The database that holds staging, analytics and ops."
  type        = string
  validation {
    condition     = can(regex("^[a-z][a-z0-9_]{0,62}$", var.database))
    error_message = "A database's name is lower-case letters, digits and underscores."
  }
}

variable "private_subnet_ids" {
  description = "Private subnets; three zones are what Redshift Serverless asks for."
  type        = list(string)
  validation {
    condition     = length(var.private_subnet_ids) >= 3
    error_message = "Redshift Serverless asks for subnets in three zones."
  }
}

variable "security_group_ids" {
  description = "Security groups by use: redshift, lambda."
  type        = map(string)
}

variable "kms_key_arns" {
  description = "Keys by use: data, logs, secrets."
  type        = map(string)
}

variable "lake_bucket" {
  description = "The lake's bucket: load files for COPY, Iceberg tables for Spectrum."
  type        = object({ name = string, arn = string })
}

variable "artifacts_bucket" {
  description = "The bucket of releases: the function's package."
  type        = object({ name = string, arn = string })
}

variable "log_retention_days" {
  description = "Days that logs are kept."
  type        = number
}

variable "database_names" {
  description = "Catalog databases; the warehouse reads that of curated in place."
  type        = map(string)
}

variable "deletion_protection" {
  description = "Whether the warehouse leaves a last snapshot when it is destroyed."
  type        = bool
  default     = true
}

variable "serverless" {
  description = "Of a serverless warehouse: RPUs it starts with, most RPUs."
  type = object({
    base_capacity = optional(number, 8)
    most_capacity = optional(number, 32)
  })
  default = {}
  validation {
    condition     = var.serverless.base_capacity >= 4 && var.serverless.most_capacity >= var.serverless.base_capacity
    error_message = "The base is 4 RPUs at least, and not above the most."
  }
}

variable "provisioned" {
  description = "Of a provisioned warehouse: node type, nodes in each zone, clusters of concurrency scaling, days of snapshots, maintenance window (UTC), and elastic resizes by cron(…) (UTC)."
  type = object({
    node_type        = optional(string, "ra3.xlplus")
    nodes            = optional(number, 2)
    multi_az         = optional(bool, true)
    scaling_clusters = optional(number, 1)
    snapshot_days    = optional(number, 35)
    snapshot_cron    = optional(string, "rate(8 hours)")
    maintenance      = optional(string, "sun:03:30-sun:04:30")
    resizes          = optional(map(object({ schedule = string, nodes = number })), {})
  })
  default = {}
  validation {
    condition     = startswith(var.provisioned.node_type, "ra3.") && var.provisioned.nodes >= 2
    error_message = "Nodes are RA3, two at least."
  }
  validation {
    condition     = var.provisioned.snapshot_days >= 1 && var.provisioned.snapshot_days <= 35
    error_message = "Redshift keeps automated snapshots 1 to 35 days."
  }
  validation {
    condition     = alltrue([for resize in values(var.provisioned.resizes) : can(regex("^(cron|at)\\(.+\\)$", resize.schedule)) && resize.nodes >= 2])
    error_message = "A resize has a schedule, cron(…) or at(…), and two nodes at least."
  }
}

variable "snapshot_copy" {
  description = "Days that the other region keeps copies of snapshots (0: none are copied), that region, and its key."
  type        = object({ days = number, region = string, kms_key_arn = string })
  default     = { days = 0, region = "", kms_key_arn = "" }
  validation {
    condition     = var.snapshot_copy.days >= 0 && (var.snapshot_copy.days == 0 || var.snapshot_copy.region != "")
    error_message = "Copies need a region."
  }
}

variable "usage_limits" {
  description = "Limits of use, as redshift_sql/upkeep.py has them."
  type        = list(object({ name = string, feature = string, amount = number, period = string, action = string }))
}

variable "kafka" {
  description = "The cluster that topics are read from: its ARN, ARNs of topics and groups (prefixes)."
  type        = object({ cluster_arn = string, topic_arn_prefix = string, group_arn_prefix = string })
}

variable "topics" {
  description = "The topics of the pipeline."
  type        = list(string)
}

variable "registry_arn" {
  description = "ARN of the Glue Schema Registry."
  type        = string
}

variable "registry_name" {
  description = "Its name."
  type        = string
}

variable "udf" {
  description = "The function that decodes records: key of its package in the artifacts bucket (which changes with its content), its handler, memory in MB, and executions at the same time."
  type = object({
    key         = string
    handler     = string
    memory_mb   = optional(number, 512)
    concurrency = optional(number, 20)
  })
  validation {
    condition     = endswith(var.udf.key, ".zip")
    error_message = "The package is a zip."
  }
}

variable "stream" {
  description = "The streaming path's upkeep as `lake warehouse stream --json` states it: statements of each minute and of each day, the alarm on the lag, whether schedules run (once the views are there), and days that streaming views keep records."
  type = object({
    each_minute = list(string)
    each_day    = list(string)
    alarm = object({
      namespace         = string
      metric            = string
      query             = string
      threshold_seconds = number
      period_seconds    = number
      periods           = number
    })
    running   = optional(bool, true)
    keep_days = optional(number, 30)
  })
  validation {
    condition     = var.stream.keep_days >= 7
    error_message = "Streaming views keep records for a week at least, as long as topics do."
  }
}

variable "operators" {
  description = "Principals (ARNs) who may act as the warehouse's operator: who makes the streaming views, which their owner alone may refresh."
  type        = list(string)
  default     = []
}
