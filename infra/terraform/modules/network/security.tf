# Security groups as data: who may speak to whom, on which port. A rule is made at both ends, and there is no other.

locals {
  groups = {
    glue      = "Glue jobs"
    msk       = "Kafka brokers"
    connect   = "MSK Connect workers"
    redshift  = "The warehouse"
    lambda    = "Functions"
    endpoints = "Interface endpoints"
  }

  kafka = 9098 # IAM over TLS (Amazon MSK, "Port information")
  https = 443

  # From, to, first port, last port. Glue's workers and brokers speak among themselves; Glue asks for all ports of that.
  flows = {
    glue_glue          = ["glue", "glue", 0, 65535]
    glue_msk           = ["glue", "msk", local.kafka, local.kafka]
    connect_msk        = ["connect", "msk", local.kafka, local.kafka]
    redshift_msk       = ["redshift", "msk", local.kafka, local.kafka]
    glue_endpoints     = ["glue", "endpoints", local.https, local.https]
    connect_endpoints  = ["connect", "endpoints", local.https, local.https]
    redshift_endpoints = ["redshift", "endpoints", local.https, local.https]
    lambda_endpoints   = ["lambda", "endpoints", local.https, local.https]
  }

  # Who reads S3 by the gateway, and who fetches packages by NAT where there is one.
  to_s3 = toset(["glue", "connect", "redshift"])
  out   = var.nat_gateways > 0 ? toset(["glue"]) : toset([])
}

resource "aws_security_group" "this" {
  # checkov:skip=CKV2_AWS_5:other modules attach them, by the output security_group_ids
  for_each    = local.groups
  name        = "${var.name}-${each.key}"
  description = each.value
  vpc_id      = aws_vpc.this.id
  tags        = { Name = "${var.name}-${each.key}" }
}

resource "aws_vpc_security_group_ingress_rule" "flow" {
  for_each                     = local.flows
  security_group_id            = aws_security_group.this[each.value[1]].id
  referenced_security_group_id = aws_security_group.this[each.value[0]].id
  description                  = "${local.groups[each.value[0]]} to ${lower(local.groups[each.value[1]])}"
  ip_protocol                  = "tcp"
  from_port                    = each.value[2]
  to_port                      = each.value[3]
}

resource "aws_vpc_security_group_egress_rule" "flow" {
  for_each                     = local.flows
  security_group_id            = aws_security_group.this[each.value[0]].id
  referenced_security_group_id = aws_security_group.this[each.value[1]].id
  description                  = "${local.groups[each.value[0]]} to ${lower(local.groups[each.value[1]])}"
  ip_protocol                  = "tcp"
  from_port                    = each.value[2]
  to_port                      = each.value[3]
}

resource "aws_vpc_security_group_egress_rule" "s3" {
  for_each          = local.to_s3
  security_group_id = aws_security_group.this[each.key].id
  prefix_list_id    = aws_vpc_endpoint.s3.prefix_list_id
  description       = "${local.groups[each.key]} to S3"
  ip_protocol       = "tcp"
  from_port         = local.https
  to_port           = local.https
}

resource "aws_vpc_security_group_egress_rule" "packages" {
  for_each          = local.out
  security_group_id = aws_security_group.this[each.key].id
  cidr_ipv4         = "0.0.0.0/0"
  description       = "${local.groups[each.key]} to the package index, through NAT"
  ip_protocol       = "tcp"
  from_port         = local.https
  to_port           = local.https
}

resource "aws_vpc_security_group_egress_rule" "source" {
  for_each          = toset(var.source_cidrs)
  security_group_id = aws_security_group.this["connect"].id
  cidr_ipv4         = each.key
  description       = "MSK Connect workers to the source database"
  ip_protocol       = "tcp"
  from_port         = var.source_port
  to_port           = var.source_port
}
