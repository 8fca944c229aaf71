# What an environment is told from outside: TF_VAR_…, or a tfvars file of one's own.

variable "account_id" {
  description = "The AWS account of this environment; any other is refused."
  type        = string
  validation {
    condition     = can(regex("^\\d{12}$", var.account_id))
    error_message = "An account is 12 digits."
  }
}

variable "region" {
  description = "The region of the lake."
  type        = string
  validation {
    condition     = can(regex("^[a-z]{2}(-[a-z]+)+-\\d$", var.region))
    error_message = "Give a region, such as eu-central-1."
  }
}

variable "replica_region" {
  description = "The region that copies go to, where this environment has any."
  type        = string
  validation {
    condition     = can(regex("^[a-z]{2}(-[a-z]+)+-\\d$", var.replica_region))
    error_message = "Give a region, such as eu-west-1."
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
