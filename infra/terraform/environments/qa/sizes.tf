# qa: serverless as dev, at the size of a rehearsal; protected as prod is.

locals {
  environment = "qa"
  sizes = {
    network   = { cidr = "10.30.0.0/16", nat_gateways = 1 }
    retention = { log_days = 90 }
    kafka     = { kind = "serverless" }
    throughput = {
      customer   = { records_per_second = 500, record_bytes = 800 }
      order      = { records_per_second = 2000, record_bytes = 600 }
      order_item = { records_per_second = 6000, record_bytes = 600 }
      product    = { records_per_second = 200, record_bytes = 800 }
    }
    jobs = {
      stream = { worker_type = "G.1X", most_workers = 3 }
      batch  = { most_workers = 5 }
    }
    warehouse           = { kind = "serverless", serverless = { base_capacity = 16, most_capacity = 64 } }
    replica             = { enabled = false }
    recovery            = { objectives = { rpo_hours = 12, rto_hours = 12 }, rehearse = true }
    budget              = { monthly_limit = 3000, anomaly_dollars = 100 }
    deletion_protection = true
  }
}
