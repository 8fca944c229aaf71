# dev: everything serverless, one NAT gateway, nothing copied.

locals {
  environment = "dev"
  sizes = {
    network   = { cidr = "10.20.0.0/16", nat_gateways = 1 }
    retention = { log_days = 30 }
    kafka     = { kind = "serverless" }
    throughput = {
      customer   = { records_per_second = 50, record_bytes = 800 }
      order      = { records_per_second = 100, record_bytes = 600 }
      order_item = { records_per_second = 300, record_bytes = 600 }
      product    = { records_per_second = 20, record_bytes = 800 }
    }
    jobs = {
      stream    = { worker_type = "G.025X", most_workers = 2 }
      batch     = { most_workers = 3 }
      schedules = { route = "rate(30 minutes)" }
    }
    warehouse           = { kind = "serverless", serverless = { base_capacity = 8, most_capacity = 16 } }
    replica             = { enabled = false }
    recovery            = { objectives = { rpo_hours = 24, rto_hours = 24 } }
    budget              = { monthly_limit = 1500 }
    deletion_protection = false
  }
}
