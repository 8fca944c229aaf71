variable "name" {
  description = "Prefix of every name, such as retail-datalake-dev."
  type        = string
}

variable "kind" {
  description = "serverless (scales with throughput by itself) or provisioned (brokers of a chosen size)."
  type        = string
  validation {
    condition     = contains(["serverless", "provisioned"], var.kind)
    error_message = "The cluster is serverless or provisioned."
  }
}

variable "private_subnet_ids" {
  description = "Private subnets, one in each of three zones."
  type        = list(string)
  validation {
    condition     = length(var.private_subnet_ids) == 3
    error_message = "Brokers stand in three zones."
  }
}

variable "security_group_ids" {
  description = "Security groups by use; brokers take that of msk."
  type        = map(string)
}

variable "kms_key_arns" {
  description = "Keys by use: stream, logs."
  type        = map(string)
}

variable "log_retention_days" {
  description = "Days that logs are kept."
  type        = number
}

variable "retention_days" {
  description = "Days that topics keep their records."
  type        = number
  default     = 7
  validation {
    condition     = var.retention_days >= 1 && var.retention_days <= 365
    error_message = "Give 1 to 365 days."
  }
}

variable "provisioned" {
  description = "Of a provisioned cluster: version of Kafka, instance type, brokers in each zone, GiB of a broker's disk at the start and at most, percent of it at which it grows, and MiB/s of a disk where more than its default is paid for (0: default; instance types from 4xlarge)."
  type = object({
    kafka_version     = optional(string, "3.8.x")
    instance_type     = optional(string, "kafka.m7g.large")
    brokers_per_zone  = optional(number, 1)
    volume_gib        = optional(number, 100)
    most_volume_gib   = optional(number, 1000)
    grow_at_percent   = optional(number, 60)
    volume_throughput = optional(number, 0)
  })
  default = {}
  validation {
    condition     = startswith(var.provisioned.instance_type, "kafka.") && var.provisioned.brokers_per_zone >= 1
    error_message = "An instance type begins with kafka.; each zone has a broker at least."
  }
  validation {
    condition     = var.provisioned.most_volume_gib >= var.provisioned.volume_gib && var.provisioned.most_volume_gib <= 16384
    error_message = "A disk grows from volume_gib to most_volume_gib, 16384 at most."
  }
  validation {
    condition     = var.provisioned.grow_at_percent >= 10 && var.provisioned.grow_at_percent <= 80
    error_message = "Disks grow at 10 to 80 percent."
  }
  validation {
    condition     = var.provisioned.volume_throughput == 0 || (var.provisioned.volume_throughput >= 250 && var.provisioned.volume_throughput <= 2375)
    error_message = "A disk's throughput is 0 (default), or 250 to 2375 MiB/s."
  }
}

variable "topics" {
  description = "Topics of changes by name, with the peak that each is stated to have: records a second and bytes of a record."
  type        = map(object({ records_per_second = number, record_bytes = number }))
  validation {
    condition     = alltrue([for topic in values(var.topics) : topic.records_per_second > 0 && topic.record_bytes > 0])
    error_message = "Throughput is above 0."
  }
}

variable "service_topics" {
  description = "Topics of the connector itself (signals, heartbeats): one partition each."
  type        = list(string)
  default     = []
}

variable "sizing" {
  description = "How throughput becomes partitions, as streaming/sizing.py states it: bytes and records that a partition takes in a second, growth to leave room for, and the number whose multiples partitions come in."
  type = object({
    bytes_per_second   = number
    records_per_second = number
    growth             = number
    multiple           = number
  })
}
