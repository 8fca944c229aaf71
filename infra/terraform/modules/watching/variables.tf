variable "name" {
  description = "Prefix of every name, such as retail-datalake-dev."
  type        = string
}

variable "environment" {
  description = "The environment, as the lake's own metrics carry it."
  type        = string
}

variable "pipeline" {
  description = "The pipeline, as the lake's own metrics carry it."
  type        = string
}

variable "emails" {
  description = "Who is told of alarms by mail; each confirms the subscription once."
  type        = list(string)
  default     = []
  validation {
    condition     = alltrue([for address in var.emails : can(regex("^[^@ ]+@[^@ ]+$", address))])
    error_message = "Give addresses of mail."
  }
}

variable "metrics" {
  description = "The lake's own metrics, as lake/metrics.py has them: namespace, and by name unit, statistic and hops."
  type = object({
    namespace = string
    metrics   = map(object({ unit = string, statistic = string, hops = list(string) }))
  })
}

variable "stream_alarm" {
  description = "The alarm on the lag of streaming views, as `lake warehouse stream --json` states it; and whether they are there."
  type = object({
    namespace         = string
    metric            = string
    threshold_seconds = number
    period_seconds    = number
    periods           = number
    enabled           = bool
  })
}

variable "tables" {
  description = "Source tables of the pipeline."
  type        = list(string)
}

variable "job_names" {
  description = "Glue jobs by entry."
  type        = map(string)
}

variable "state_machine_arns" {
  description = "State machines by name, of jobs and warehouse."
  type        = map(string)
}

variable "cluster" {
  description = "The Kafka cluster: its name, and its brokers' number (0: serverless, whose brokers nobody watches)."
  type        = object({ name = string, brokers = number })
}

variable "connector_arns" {
  description = "MSK Connect's connectors, by name."
  type        = map(string)
}

variable "warehouse" {
  description = "The warehouse: kind (workgroup or cluster), name, and a workgroup's most RPUs."
  type        = object({ kind = string, name = string, most_capacity = optional(number, 0) })
}

variable "function_name" {
  description = "The function that decodes records for the warehouse."
  type        = string
}

variable "thresholds" {
  description = "What is too much: seconds that a record waits for hop 1; age of the newest change at each hop's commit; manifests and loads left behind; minutes without any run of a batch hop; percent of a disk."
  type = object({
    lag_seconds       = optional(number, 300)
    freshness_seconds = optional(map(number), { landing = 600, staging = 2700, curated = 3600, warehouse = 4500 })
    pending_manifests = optional(number, 60)
    pending_loads     = optional(number, 4)
    silence_minutes   = optional(number, 60)
    disk_percent      = optional(number, 80)
  })
  default = {}
  validation {
    condition     = alltrue([for hop in keys(var.thresholds.freshness_seconds) : contains(["landing", "staging", "curated", "warehouse"], hop)])
    error_message = "Freshness is of the hops landing, staging, curated, warehouse."
  }
  validation {
    condition     = var.thresholds.silence_minutes >= 5 && var.thresholds.silence_minutes <= 1440
    error_message = "Silence is 5 minutes to a day."
  }
}
