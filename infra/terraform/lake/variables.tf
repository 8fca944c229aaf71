# What one environment may choose. An attribute that is left out has the default of the module that takes it.

variable "environment" {
  description = "The environment: dev, qa or prod; metrics, tags and names carry it."
  type        = string
  validation {
    condition     = can(regex("^[a-z][a-z0-9]{1,11}$", var.environment))
    error_message = "An environment is 2 to 12 lower-case letters and digits."
  }
}

variable "name" {
  description = "Prefix of every name, and the lake bucket's name, which no other bucket in AWS may have; null: <pipeline>-datalake-<environment>."
  type        = string
  default     = null
}

variable "release" {
  description = "Keys of a release in the artifacts bucket, as `lake deploy` gives them."
  type = object({
    wheel           = string
    script          = string
    decode_function = string
    requirements    = string
    jars            = list(string)
    connectors      = list(string)
  })
}

variable "source_database" {
  description = "The SQL Server to capture (module capture); null: none yet."
  type        = object({ host = string, port = optional(number, 1433), database = string, schema = optional(string, "dbo") })
  default     = null
}

variable "source_network" {
  description = "The way to the source databases (module source_network); null: they are reached by nothing of ours."
  type = object({
    way     = string
    cidrs   = list(string)
    dns     = optional(object({ domain = string, servers = list(string) }))
    vpn     = optional(object({ gateway_address = string, bgp_asn = optional(number, 65515), static_routes = optional(bool, false) }))
    peering = optional(object({ vpc_id = string, account_id = optional(string), region = optional(string) }))
  })
  default = null
}

variable "alarm_emails" {
  description = "Who is told of alarms by mail."
  type        = list(string)
  default     = []
}

variable "operators" {
  description = "Principals (ARNs) who may act as the warehouse's operator."
  type        = list(string)
  default     = []
}

variable "streaming_views" {
  description = "Whether the streaming views are there (`lake warehouse stream`, made by the operator's role), so that they are refreshed and watched."
  type        = bool
  default     = false
}

variable "network" {
  description = "Addresses of the VPC, and the number of NAT gateways (0, 1 or 3); Glue fetches the wheel's requirements through one."
  type        = object({ cidr = string, nat_gateways = number })
}

variable "retention" {
  description = "Days: of logs, of topics, of landed records, before these go to Glacier, and of deleted or replaced versions of objects."
  type = object({
    log_days     = number
    topic_days   = optional(number, 7)
    landing_days = optional(number, 90)
    archive_days = optional(number, 30)
    version_days = optional(number, 30)
  })
  validation {
    condition     = contains([1, 3, 5, 7, 14, 30, 60, 90, 120, 150, 180, 365, 400, 545, 731, 1096, 1827, 2192, 2557, 2922, 3288, 3653], var.retention.log_days)
    error_message = "CloudWatch keeps logs 1, 3, 5, 7, 14, 30, 60, 90, 120, 150, 180, 365, 400, 545, 731, 1096, … days."
  }
}

variable "kafka" {
  description = "The cluster (module streaming) and the size of the connector's worker."
  type = object({
    kind         = string
    connect_mcus = optional(number, 1)
    provisioned = optional(object({
      kafka_version     = optional(string)
      instance_type     = optional(string)
      brokers_per_zone  = optional(number)
      volume_gib        = optional(number)
      most_volume_gib   = optional(number)
      grow_at_percent   = optional(number)
      volume_throughput = optional(number)
    }), {})
  })
}

variable "throughput" {
  description = "The stated peak of each source table: records a second, bytes of a record. Partitions follow from it."
  type        = map(object({ records_per_second = number, record_bytes = number }))
}

variable "jobs" {
  description = "Sizes and schedules of Glue's jobs, and where their lineage goes (module jobs)."
  type = object({
    lineage_uri = optional(string)
    stream = optional(object({
      worker_type        = optional(string)
      most_workers       = optional(number)
      maintenance_window = optional(string)
      running            = optional(bool)
    }), {})
    batch = optional(object({
      worker_type     = optional(string)
      most_workers    = optional(number)
      timeout_minutes = optional(number)
      retries         = optional(number)
    }), {})
    schedules = optional(object({
      route       = optional(string)
      maintenance = optional(string)
      reconcile   = optional(string)
    }), {})
  })
  default = {}
}

variable "warehouse" {
  description = "The warehouse (module warehouse); days that copies of a cluster's snapshots are kept in the other region."
  type = object({
    kind      = string
    copy_days = optional(number, 7)
    serverless = optional(object({
      base_capacity = optional(number)
      most_capacity = optional(number)
    }), {})
    provisioned = optional(object({
      node_type        = optional(string)
      nodes            = optional(number)
      multi_az         = optional(bool)
      scaling_clusters = optional(number)
      snapshot_days    = optional(number)
      snapshot_cron    = optional(string)
      maintenance      = optional(string)
      resizes          = optional(map(object({ schedule = string, nodes = number })))
    }), {})
  })
}

variable "replica" {
  description = "Copies of lake and snapshots in the region of the provider aws.replica; age in days at which copies of objects go to Glacier Deep Archive (0: never)."
  type        = object({ enabled = bool, archive_days = optional(number, 0) })
  default     = { enabled = false }
}

variable "recovery" {
  description = "Recovery objectives and how recovery points are kept (module safety); copy_vault_arn is a vault of yours in another region or account that gets copies of them."
  type = object({
    objectives     = object({ rpo_hours = number, rto_hours = number })
    keep_days      = optional(number, 35)
    lock           = optional(bool, false)
    rehearse       = optional(bool, false)
    copy_vault_arn = optional(string, "")
  })
}

variable "budget" {
  description = "US dollars a month: in all, by service, and a rise above the expected that is told; whether this environment activates the account's cost-allocation tags (module cost)."
  type = object({
    monthly_limit   = number
    service_limits  = optional(map(number), {})
    anomaly_dollars = optional(number, 0)
    manage_tags     = optional(bool, false)
  })
}

variable "deletion_protection" {
  description = "Whether nothing that holds data goes with `terraform destroy`: buckets with objects stay, the warehouse leaves a snapshot."
  type        = bool
  default     = true
}
