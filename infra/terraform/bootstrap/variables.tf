variable "environment" {
  description = "The environment: dev, qa or prod."
  type        = string
  validation {
    condition     = can(regex("^[a-z][a-z0-9]{0,15}$", var.environment))
    error_message = "An environment is a short word of lower-case letters and digits."
  }
}

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

variable "repository" {
  description = "The repository on GitHub whose workflows deploy: owner/name."
  type        = string
  validation {
    condition     = can(regex("^[A-Za-z0-9_.-]+/[A-Za-z0-9_.-]+$", var.repository))
    error_message = "Give owner/name, without a pattern: every repository that matched could deploy."
  }
}

variable "oidc_provider" {
  description = "Whether to make GitHub's OIDC provider; an account has one, so false where it is there already."
  type        = bool
  default     = true
}

variable "name" {
  description = "Prefix of every name; null: retail-datalake-<environment>."
  type        = string
  default     = null
}

variable "state_bucket" {
  description = "Name of the state's bucket, which no other bucket in AWS may have; null: <name>-state."
  type        = string
  default     = null
}
