# prod: brokers and warehouse of chosen size in several zones, copies in another region, recovery points locked.

locals {
  environment = "prod"
  sizes = {
    network   = { cidr = "10.40.0.0/16", nat_gateways = 3 }
    retention = { log_days = 400 }
    kafka = {
      kind         = "provisioned"
      connect_mcus = 2
      provisioned  = { instance_type = "kafka.m7g.xlarge", volume_gib = 500, most_volume_gib = 4000 }
    }
    throughput = {
      customer   = { records_per_second = 10000, record_bytes = 2000 }
      order      = { records_per_second = 10000, record_bytes = 600 }
      order_item = { records_per_second = 40000, record_bytes = 600 }
      product    = { records_per_second = 1000, record_bytes = 800 }
    }
    jobs = {
      stream = { worker_type = "G.2X", most_workers = 10 }
      batch  = { worker_type = "G.2X", most_workers = 10, retries = 2 }
    }
    warehouse = {
      kind      = "provisioned"
      copy_days = 14
      provisioned = {
        node_type        = "ra3.4xlarge"
        nodes            = 2
        multi_az         = true
        scaling_clusters = 3
        resizes = {
          day   = { schedule = "cron(0 5 ? * MON-FRI *)", nodes = 4 }
          night = { schedule = "cron(0 20 ? * MON-FRI *)", nodes = 2 }
        }
      }
    }
    replica             = { enabled = true, archive_days = 90 }
    recovery            = { objectives = { rpo_hours = 6, rto_hours = 4 }, keep_days = 90, lock = true, rehearse = true }
    budget              = { monthly_limit = 20000, service_limits = { "Amazon Redshift" = 10000 }, anomaly_dollars = 250 }
    deletion_protection = true
  }
}
