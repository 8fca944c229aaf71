# Nothing of its own: the runs of its test apply the environments. One process for all three, since most of the time goes
# into starting the provider.
terraform {
  required_version = "~> 1.11"
}
