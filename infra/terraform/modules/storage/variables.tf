variable "name" {
  description = "Prefix of every name, such as retail-datalake-dev; the lake's bucket has exactly this name."
  type        = string
  validation {
    condition     = can(regex("^[a-z0-9][a-z0-9-]{1,40}[a-z0-9]$", var.name))
    error_message = "A name is 3 to 42 lower-case letters, digits and hyphens: names of buckets are made of it."
  }
}

variable "kms_key_arns" {
  description = "Keys by use: data, logs."
  type        = map(string)
}

variable "tables" {
  description = "Source tables: the folders under landing/ that hold records. Each has a lifecycle rule of its own, since what lies beside them (manifests, schemas, epochs) is the lake's memory and is never taken out."
  type        = list(string)
  validation {
    condition     = alltrue([for table in var.tables : can(regex("^[a-z][a-z0-9_]{0,99}$", table))])
    error_message = "A table's name begins with a letter; lower-case letters, digits and underscores."
  }
}

variable "landing_days" {
  description = "Days that landed records are kept."
  type        = number
  default     = 90
  validation {
    condition     = var.landing_days >= 8
    error_message = "Landing is kept longer than topics are (7 days), or a replay would find a gap."
  }
}

variable "archive_days" {
  description = "Age in days at which records of landing, load files and dead letters go to Glacier Instant Retrieval, where they can still be read at once; 0: never."
  type        = number
  default     = 30
  validation {
    condition     = var.archive_days == 0 || (var.archive_days >= 1 && var.archive_days <= 365)
    error_message = "Give 0, or 1 to 365 days."
  }
}

variable "noncurrent_days" {
  description = "Days that deleted and replaced versions of objects can be brought back."
  type        = number
  default     = 30
  validation {
    condition     = var.noncurrent_days >= 1
    error_message = "Give a day at least."
  }
}

variable "log_days" {
  description = "Days that access logs, Spark's event logs and query results are kept."
  type        = number
  default     = 90
  validation {
    condition     = var.log_days >= 1
    error_message = "Give a day at least."
  }
}

variable "replica" {
  description = "Copies of the lake in the region of the provider aws.replica: whether there are any, the key there, and the age in days at which they go to Glacier Deep Archive (0: never)."
  type        = object({ enabled = bool, kms_key_arn = string, archive_days = optional(number, 0) })
  default     = { enabled = false, kms_key_arn = "" }
  validation {
    condition     = !var.replica.enabled || var.replica.kms_key_arn != ""
    error_message = "Copies need a key in their region."
  }
}

variable "force_destroy" {
  description = "Whether `terraform destroy` may remove buckets that hold objects; never where anybody's data is."
  type        = bool
  default     = false
}
