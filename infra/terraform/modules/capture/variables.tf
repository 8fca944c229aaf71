variable "name" {
  description = "Prefix of every name, such as retail-datalake-dev."
  type        = string
}

variable "pipeline" {
  description = "The pipeline: prefix of its topics."
  type        = string
}

variable "tables" {
  description = "Source tables and the topic of each."
  type        = map(string)
  validation {
    condition     = length(var.tables) > 0
    error_message = "There is a table at least."
  }
}

variable "source_database" {
  description = "The SQL Server to capture: host, port, database, the schema of its tables. Null: no connector yet (the registry is there all the same)."
  type = object({
    host     = string
    port     = optional(number, 1433)
    database = string
    schema   = optional(string, "dbo")
  })
  default = null
  validation {
    condition     = var.source_database == null || try(can(regex("^[A-Za-z0-9.-]+$", var.source_database.host)) && can(regex("^[A-Za-z_][A-Za-z0-9_]*$", var.source_database.schema)), false)
    error_message = "A host is a name or an address; a schema's name is letters, digits and underscores."
  }
}

variable "plugin_key" {
  description = "Key, in the artifacts bucket, of the zip that holds Debezium's SQL Server connector, the AWS Glue Avro converter and the Secrets Manager config provider."
  type        = string
  default     = ""
  validation {
    condition     = var.plugin_key == "" || endswith(var.plugin_key, ".zip")
    error_message = "MSK Connect takes one zip that holds all parts."
  }
}

variable "artifacts_bucket" {
  description = "The bucket of releases."
  type        = object({ name = string, arn = string })
}

variable "private_subnet_ids" {
  description = "Private subnets of the workers."
  type        = list(string)
}

variable "security_group_ids" {
  description = "Security groups by use; workers take that of connect."
  type        = map(string)
}

variable "kms_key_arns" {
  description = "Keys by use: logs, secrets, data."
  type        = map(string)
}

variable "kafka" {
  description = "The cluster: brokers for IAM, ARNs of cluster, and of topics, groups and transactional ids (prefixes)."
  type = object({
    bootstrap_brokers      = string
    cluster_arn            = string
    topic_arn_prefix       = string
    group_arn_prefix       = string
    transaction_arn_prefix = string
  })
}

variable "capacity" {
  description = "MCUs of a worker (1, 2, 4 or 8: each a vCPU and 4 GiB). SQL Server's connector is one task, so one worker runs it; MSK Connect replaces it when it fails."
  type        = number
  default     = 1
  validation {
    condition     = contains([1, 2, 4, 8], var.capacity)
    error_message = "A worker has 1, 2, 4 or 8 MCUs."
  }
}

variable "exactly_once" {
  description = "Whether the worker writes records and offsets in one transaction (exactly.once.source.support). Without it a killed connector sends some records twice, which staging makes one again."
  type        = bool
  default     = false
}

variable "log_retention_days" {
  description = "Days that logs are kept."
  type        = number
}
