variable "name" {
  description = "Prefix of every name, such as retail-datalake-dev."
  type        = string
}

variable "kms_key_arn" {
  description = "Key of the vault."
  type        = string
}

variable "resources" {
  description = "ARNs of what is backed up, by kind: the lake's bucket, the warehouse."
  type        = object({ bucket = string, warehouse = string })
}

variable "objectives" {
  description = "Recovery objectives: hours of data that may be lost (rpo), hours until it works again (rto)."
  type        = object({ rpo_hours = number, rto_hours = number })
  validation {
    condition     = contains([1, 2, 3, 4, 6, 8, 12, 24], var.objectives.rpo_hours)
    error_message = "Backups are taken every rpo_hours: 1, 2, 3, 4, 6, 8, 12 or 24."
  }
  validation {
    condition     = var.objectives.rto_hours >= 1 && var.objectives.rto_hours <= 168
    error_message = "A recovery takes 1 hour to a week."
  }
}

variable "keep_days" {
  description = "Days that recovery points are kept; those by which one can go back to any second, 35 at most."
  type        = number
  default     = 35
  validation {
    condition     = var.keep_days >= 7 && var.keep_days <= 3650
    error_message = "Recovery points are kept a week at least."
  }
}

variable "lock" {
  description = "Whether nobody, the account's root neither, may delete recovery points before their time (after three days to think it over)."
  type        = bool
  default     = false
}

variable "copy_vault_arn" {
  description = "A vault in another region or account, to which recovery points are copied; empty: none are."
  type        = string
  default     = ""
  validation {
    condition     = var.copy_vault_arn == "" || can(regex("^arn:aws[a-z-]*:backup:[a-z0-9-]+:\\d{12}:backup-vault:.+$", var.copy_vault_arn))
    error_message = "Give the ARN of a backup vault."
  }
}

variable "rehearse" {
  description = "Whether AWS Backup restores the newest recovery point of the bucket each month, to see that it can."
  type        = bool
  default     = false
}
