variable "name" {
  description = "Prefix of every name, such as retail-datalake-dev."
  type        = string
}

variable "vpc_id" {
  description = "The lake's VPC."
  type        = string
}

variable "private_subnet_ids" {
  description = "Private subnets; the resolver's addresses are in the first two."
  type        = list(string)
}

variable "private_route_table_ids" {
  description = "Route tables of the private subnets."
  type        = list(string)
}

variable "vpc_cidr" {
  description = "Addresses of the VPC."
  type        = string
}

variable "source_network" {
  description = "The network of the source databases. way: vpn (Azure or on premises) or peering (another VPC). cidrs: its addresses. dns: a domain and the servers that know it. vpn: public address of the gateway over there, its BGP number (Azure: 65515) and whether routes are static. peering: the other VPC, its account and region (null: ours); whoever owns it accepts, and routes back."
  type = object({
    way     = string
    cidrs   = list(string)
    dns     = optional(object({ domain = string, servers = list(string) }))
    vpn     = optional(object({ gateway_address = string, bgp_asn = optional(number, 65515), static_routes = optional(bool, false) }))
    peering = optional(object({ vpc_id = string, account_id = optional(string), region = optional(string) }))
  })
  validation {
    condition     = contains(["vpn", "peering"], var.source_network.way)
    error_message = "The way is vpn or peering."
  }
  validation {
    condition     = (var.source_network.way == "vpn") == (var.source_network.vpn != null) && (var.source_network.way == "peering") == (var.source_network.peering != null)
    error_message = "Give vpn or peering, as the way says."
  }
  validation {
    condition     = length(var.source_network.cidrs) > 0 && alltrue([for range in var.source_network.cidrs : can(cidrhost(range, 0)) && range != "0.0.0.0/0"])
    error_message = "Give the source's IPv4 ranges."
  }
  validation {
    condition     = var.source_network.dns == null || try(length(var.source_network.dns.servers) > 0 && alltrue([for server in var.source_network.dns.servers : can(cidrhost("${server}/32", 0))]), false)
    error_message = "DNS servers are IPv4 addresses."
  }
}

variable "kms_key_arns" {
  description = "Keys by use: logs."
  type        = map(string)
}

variable "log_retention_days" {
  description = "Days that logs are kept."
  type        = number
}
