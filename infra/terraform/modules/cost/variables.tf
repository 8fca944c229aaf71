variable "name" {
  description = "Prefix of every name, such as retail-datalake-dev."
  type        = string
}

variable "environment" {
  description = "The environment: value of the tag `environment`, by which costs are told apart."
  type        = string
}

variable "alarm_topic_arn" {
  description = "The topic that is told."
  type        = string
}

variable "monthly_limit" {
  description = "US dollars a month; told at half, at four fifths, at all of it, and when the forecast is above it."
  type        = number
  validation {
    condition     = var.monthly_limit > 0
    error_message = "The limit is above 0."
  }
}

variable "service_limits" {
  description = "US dollars a month by service, as Cost Explorer names services."
  type        = map(number)
  default     = {}
}

variable "manage_tags" {
  description = "Whether this environment activates the cost-allocation tags of its account; one environment of an account does, and only the payer's account can."
  type        = bool
  default     = false
}

variable "tags" {
  description = "Tags that costs are told apart by."
  type        = list(string)
  default     = ["environment", "project"]
}

variable "anomaly_dollars" {
  description = "A rise above the expected by so many dollars is told; 0 watches for none."
  type        = number
  default     = 0
  validation {
    condition     = var.anomaly_dollars >= 0
    error_message = "0, or a sum of dollars."
  }
}
