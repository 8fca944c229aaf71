resource "terraform_data" "bucket" {
  input = "${var.name}-artifacts"
}

variable "name" {
  description = "Prefix of names."
  type        = string
}
