variable "name" {
  description = "Prefix of every name, such as retail-datalake-dev."
  type        = string
}

variable "databases" {
  description = "Names of the catalog's databases: landing, staging, curated. Those of staging and curated are Iceberg's namespaces, as the code names them."
  type        = object({ landing = string, staging = string, curated = string })
}

variable "tables" {
  description = "Source tables: each has a folder under landing/."
  type        = list(string)
}

variable "first_year" {
  description = "The first year of which Athena looks for landed records."
  type        = number
  default     = 2024
  validation {
    condition     = var.first_year >= 2020 && var.first_year <= 2100
    error_message = "Give a year from 2020 on."
  }
}

variable "lake_bucket" {
  description = "The lake's bucket."
  type        = object({ name = string, arn = string })
}

variable "logs_bucket" {
  description = "The bucket that Athena's results go to."
  type        = object({ name = string, arn = string })
}

variable "kms_key_arns" {
  description = "Keys by use: data, logs."
  type        = map(string)
}

variable "log_retention_days" {
  description = "Days that logs are kept."
  type        = number
}

variable "crawl_schedule" {
  description = "When crawlers look for what no contract knows (UTC): cron(…); empty: only by hand."
  type        = string
  default     = "cron(15 2 * * ? *)"
  validation {
    condition     = var.crawl_schedule == "" || can(regex("^cron\\(.+\\)$", var.crawl_schedule))
    error_message = "A schedule is cron(…), or empty."
  }
}

variable "encrypt_catalog" {
  description = "Whether this environment sets the encryption of its account's Data Catalog, of which there is one a region."
  type        = bool
  default     = true
}

variable "scan_limit_gib" {
  description = "GiB that one query of the Athena workgroup may read."
  type        = number
  default     = 100
  validation {
    condition     = var.scan_limit_gib >= 1
    error_message = "Give 1 GiB at least."
  }
}
