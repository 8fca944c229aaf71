variable "name" {
  description = "Prefix of every name, such as retail-datalake-dev."
  type        = string
}

variable "replica" {
  description = "Whether a key for copies is made in the region of the provider aws.replica."
  type        = bool
}

variable "deletion_window_days" {
  description = "Days between the wish to delete a key and its end."
  type        = number
  default     = 30
  validation {
    condition     = var.deletion_window_days >= 7 && var.deletion_window_days <= 30
    error_message = "KMS waits 7 to 30 days."
  }
}
