variable "name" {
  description = "Prefix of every name, such as retail-datalake-dev."
  type        = string
}

variable "environment" {
  description = "The environment; metrics carry it as a dimension."
  type        = string
}

variable "pipeline" {
  description = "The pipeline: a folder of contracts in the wheel."
  type        = string
  validation {
    condition     = can(regex("^[a-z][a-z0-9_]*$", var.pipeline))
    error_message = "A pipeline is a folder's name: lower-case letters, digits and underscores."
  }
}

variable "private_subnet_ids" {
  description = "Private subnets, one in each zone; each gets a Glue connection."
  type        = list(string)
  validation {
    condition     = length(var.private_subnet_ids) > 0
    error_message = "Jobs need a subnet at least."
  }
}

variable "security_group_ids" {
  description = "Security groups by use; jobs take that of glue."
  type        = map(string)
}

variable "kms_key_arns" {
  description = "Keys by use: data, logs."
  type        = map(string)
}

variable "lake_bucket" {
  description = "The lake's bucket."
  type        = object({ name = string, arn = string })
}

variable "artifacts_bucket" {
  description = "The bucket of releases: wheel, script, jars."
  type        = object({ name = string, arn = string })
}

variable "logs_bucket" {
  description = "The bucket that Spark's event logs go to."
  type        = object({ name = string, arn = string })
}

variable "log_retention_days" {
  description = "Days that logs are kept."
  type        = number
}

variable "release" {
  description = "Keys in the artifacts bucket: the wheel, Glue's script, and the jars that Glue does not bring."
  type        = object({ wheel = string, script = string, jars = list(string) })
  validation {
    condition     = endswith(var.release.wheel, ".whl") && endswith(var.release.script, ".py")
    error_message = "The wheel ends in .whl, the script in .py."
  }
  validation {
    condition     = alltrue([for jar in var.release.jars : endswith(jar, ".jar")])
    error_message = "Every jar ends in .jar."
  }
}

variable "jvm_options" {
  description = "Options of every job's JVM: the limits that Avro sets to lengths it reads."
  type        = list(string)
}

variable "client_packages" {
  description = "Python packages, pinned, of the job that reads topics beside Spark (reconcile)."
  type        = list(string)
  default     = []
  validation {
    condition     = alltrue([for package in var.client_packages : strcontains(package, "==")])
    error_message = "Packages are pinned: name==version."
  }
}

variable "kafka" {
  description = "The cluster: brokers for IAM, ARNs of cluster, topics and groups (prefixes, to which a name is added)."
  type = object({
    bootstrap_brokers = string
    cluster_arn       = string
    topic_arn_prefix  = string
    group_arn_prefix  = string
  })
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

variable "database_names" {
  description = "Catalog databases: landing, staging, curated."
  type        = map(string)
}

variable "warehouse" {
  description = "The warehouse: kind (workgroup or cluster), its ARN, the ARN that credentials are asked for, the Data API's address of it as the code writes it, and the role that COPY reads with."
  type = object({
    kind            = string
    arn             = string
    credentials_arn = string
    data_api_uri    = string
    copy_role_arn   = string
  })
  validation {
    condition     = contains(["workgroup", "cluster"], var.warehouse.kind)
    error_message = "The warehouse is a workgroup or a cluster."
  }
}

variable "stream" {
  description = "The streaming job: worker type, most workers, when Glue may restart it (UTC, such as Sun:2), and whether it is kept running."
  type = object({
    worker_type        = optional(string, "G.1X")
    most_workers       = optional(number, 4)
    maintenance_window = optional(string, "Sun:2")
    running            = optional(bool, true)
  })
  default = {}
  validation {
    condition     = contains(["G.025X", "G.1X", "G.2X"], var.stream.worker_type)
    error_message = "Workers of the streaming job are G.025X, G.1X or G.2X."
  }
  validation {
    condition     = var.stream.most_workers >= 2
    error_message = "A driver and an executor are the least: 2 workers."
  }
  validation {
    condition     = can(regex("^(Mon|Tue|Wed|Thu|Fri|Sat|Sun):([0-9]|1[0-9]|2[0-3])$", var.stream.maintenance_window))
    error_message = "A maintenance window is a day and an hour, such as Sun:2."
  }
}

variable "batch" {
  description = "Batch jobs: worker type, most workers, minutes after which a run is stopped, and further runs after one that failed."
  type = object({
    worker_type     = optional(string, "G.1X")
    most_workers    = optional(number, 4)
    timeout_minutes = optional(number, 120)
    retries         = optional(number, 1)
  })
  default = {}
  validation {
    condition     = contains(["G.1X", "G.2X", "G.4X", "G.8X"], var.batch.worker_type)
    error_message = "Workers of batch jobs are G.1X, G.2X, G.4X or G.8X."
  }
  validation {
    condition     = var.batch.most_workers >= 2 && var.batch.timeout_minutes >= 5 && var.batch.retries >= 0 && var.batch.retries <= 10
    error_message = "Two workers, five minutes, and 0 to 10 retries are the bounds."
  }
}

variable "schedules" {
  description = "EventBridge schedules (UTC) of the route, of maintenance and of reconciliation."
  type = object({
    route       = optional(string, "rate(15 minutes)")
    maintenance = optional(string, "cron(30 3 * * ? *)")
    reconcile   = optional(string, "cron(30 5 * * ? *)")
  })
  default = {}
  validation {
    condition     = alltrue([for text in values(var.schedules) : can(regex("^(rate|cron)\\(.+\\)$", text))])
    error_message = "A schedule is rate(…) or cron(…)."
  }
}

variable "lineage_uri" {
  description = "Where OpenLineage events go, http(s)://host:port; empty: nowhere."
  type        = string
  default     = ""
  nullable    = false
  validation {
    condition     = var.lineage_uri == "" || can(regex("^https?://[^@]+$", var.lineage_uri))
    error_message = "Give http(s)://host:port, without user and password."
  }
}
