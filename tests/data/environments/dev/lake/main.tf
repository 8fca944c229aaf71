module "storage" {
  source = "./storage"
  name   = var.name
}

variable "name" {
  description = "Prefix of names."
  type        = string
}
