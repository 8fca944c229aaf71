# Names of buckets are taken once in all of AWS: give another by -backend-config=bucket=…; the region is AWS_REGION's.
terraform {
  backend "s3" {
    bucket       = "retail-datalake-qa-state"
    key          = "qa/lake.tfstate"
    use_lockfile = true
    encrypt      = true
  }
}
