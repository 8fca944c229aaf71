variable "name" {
  description = "Prefix of every name, such as retail-datalake-dev."
  type        = string
}

variable "cidr" {
  description = "Addresses of the VPC, a /16 to /20; apart from those of the source's network where the two are connected."
  type        = string
  validation {
    condition     = can(cidrhost(var.cidr, 0)) && try(tonumber(split("/", var.cidr)[1]) >= 16 && tonumber(split("/", var.cidr)[1]) <= 20, false)
    error_message = "Give an IPv4 range from /16 to /20, such as 10.20.0.0/16."
  }
}

variable "nat_gateways" {
  description = "NAT gateways: 0 (nothing leaves but by endpoints), 1 (all zones share it), 3 (one in each zone)."
  type        = number
  validation {
    condition     = contains([0, 1, 3], var.nat_gateways)
    error_message = "There are 0, 1 or 3 NAT gateways."
  }
}

variable "interface_endpoints" {
  description = "Services of AWS that are reached inside the VPC, by their endpoint's name."
  type        = set(string)
  default     = ["glue", "kafka", "kms", "lambda", "logs", "monitoring", "redshift-data", "secretsmanager", "states", "sts"]
}

variable "source_cidrs" {
  description = "Addresses of the source databases; the connector may speak to them, and nobody else may."
  type        = list(string)
  default     = []
  validation {
    condition     = alltrue([for range in var.source_cidrs : can(cidrhost(range, 0)) && range != "0.0.0.0/0"])
    error_message = "Give IPv4 ranges, none of them 0.0.0.0/0."
  }
}

variable "source_port" {
  description = "TCP port of the source databases; SQL Server listens on 1433."
  type        = number
  default     = 1433
  validation {
    condition     = var.source_port >= 1 && var.source_port <= 65535
    error_message = "A port is 1 to 65535."
  }
}

variable "log_key_arn" {
  description = "Key of the flow logs."
  type        = string
}

variable "log_retention_days" {
  description = "Days that logs are kept."
  type        = number
}
