# The way from the lake's VPC to the source databases: a site-to-site VPN or a peering, routes, and names.

locals {
  vpn     = var.source_network.way == "vpn" ? 1 : 0
  peering = var.source_network.way == "peering" ? 1 : 0
  static  = local.vpn == 1 && try(var.source_network.vpn.static_routes, false)
  dns     = var.source_network.dns == null ? 0 : 1
  own     = local.peering == 1 && try(var.source_network.peering.account_id, null) == null && try(var.source_network.peering.region, null) == null
}

resource "aws_vpn_gateway" "this" {
  count  = local.vpn
  vpc_id = var.vpc_id
  tags   = { Name = "${var.name}-source" }
}

resource "aws_customer_gateway" "this" {
  count      = local.vpn
  type       = "ipsec.1"
  bgp_asn    = var.source_network.vpn.bgp_asn
  ip_address = var.source_network.vpn.gateway_address
  tags       = { Name = "${var.name}-source" }
}

resource "aws_cloudwatch_log_group" "vpn" {
  # checkov:skip=CKV_AWS_338:how long logs are kept is each environment's choice; prod keeps them for more than a year
  count             = local.vpn
  name              = "/aws/vpn/${var.name}"
  retention_in_days = var.log_retention_days
  kms_key_id        = var.kms_key_arns["logs"]
}

# Two tunnels, each of IKEv2 with what Azure and on-premises gateways of today agree on. AWS makes the shared keys; read
# them from the console or the API, once, to set up the other side.
resource "aws_vpn_connection" "this" {
  count                    = local.vpn
  type                     = "ipsec.1"
  vpn_gateway_id           = aws_vpn_gateway.this[0].id
  customer_gateway_id      = aws_customer_gateway.this[0].id
  static_routes_only       = local.static
  local_ipv4_network_cidr  = length(var.source_network.cidrs) == 1 ? var.source_network.cidrs[0] : null
  remote_ipv4_network_cidr = var.vpc_cidr

  tunnel1_ike_versions                 = ["ikev2"]
  tunnel1_phase1_encryption_algorithms = ["AES256-GCM-16"]
  tunnel1_phase1_integrity_algorithms  = ["SHA2-256"]
  tunnel1_phase1_dh_group_numbers      = [14, 20]
  tunnel1_phase2_encryption_algorithms = ["AES256-GCM-16"]
  tunnel1_phase2_integrity_algorithms  = ["SHA2-256"]
  tunnel1_phase2_dh_group_numbers      = [14, 20]
  tunnel1_dpd_timeout_action           = "restart"
  tunnel2_ike_versions                 = ["ikev2"]
  tunnel2_phase1_encryption_algorithms = ["AES256-GCM-16"]
  tunnel2_phase1_integrity_algorithms  = ["SHA2-256"]
  tunnel2_phase1_dh_group_numbers      = [14, 20]
  tunnel2_phase2_encryption_algorithms = ["AES256-GCM-16"]
  tunnel2_phase2_integrity_algorithms  = ["SHA2-256"]
  tunnel2_phase2_dh_group_numbers      = [14, 20]
  tunnel2_dpd_timeout_action           = "restart"

  tunnel1_log_options {
    cloudwatch_log_options {
      log_enabled       = true
      log_group_arn     = aws_cloudwatch_log_group.vpn[0].arn
      log_output_format = "json"
    }
  }
  tunnel2_log_options {
    cloudwatch_log_options {
      log_enabled       = true
      log_group_arn     = aws_cloudwatch_log_group.vpn[0].arn
      log_output_format = "json"
    }
  }
  tags = { Name = "${var.name}-source" }
}

resource "aws_vpn_connection_route" "static" {
  for_each               = local.static ? toset(var.source_network.cidrs) : toset([])
  vpn_connection_id      = aws_vpn_connection.this[0].id
  destination_cidr_block = each.key
}

resource "aws_vpn_gateway_route_propagation" "this" {
  count          = local.vpn * 3
  vpn_gateway_id = aws_vpn_gateway.this[0].id
  route_table_id = var.private_route_table_ids[count.index]
}

resource "aws_vpc_peering_connection" "this" {
  count         = local.peering
  vpc_id        = var.vpc_id
  peer_vpc_id   = var.source_network.peering.vpc_id
  peer_owner_id = var.source_network.peering.account_id
  peer_region   = var.source_network.peering.region
  auto_accept   = local.own
  tags          = { Name = "${var.name}-source" }
}

resource "aws_route" "peering" {
  for_each                  = local.peering == 0 ? {} : { for pair in setproduct(range(3), var.source_network.cidrs) : "${pair[0]}-${pair[1]}" => { table = pair[0], cidr = pair[1] } }
  route_table_id            = var.private_route_table_ids[each.value.table]
  destination_cidr_block    = each.value.cidr
  vpc_peering_connection_id = aws_vpc_peering_connection.this[0].id
}

# Names of the source's network are asked there.
resource "aws_security_group" "dns" {
  count       = local.dns
  name        = "${var.name}-dns"
  description = "Questions of names to the source's network"
  vpc_id      = var.vpc_id
  tags        = { Name = "${var.name}-dns" }
}

resource "aws_vpc_security_group_egress_rule" "dns" {
  for_each          = local.dns == 0 ? {} : { for pair in setproduct(["udp", "tcp"], var.source_network.dns.servers) : join("-", pair) => { protocol = pair[0], server = pair[1] } }
  security_group_id = aws_security_group.dns[0].id
  description       = "Names by ${each.value.protocol} from ${each.value.server}"
  cidr_ipv4         = "${each.value.server}/32"
  ip_protocol       = each.value.protocol
  from_port         = 53
  to_port           = 53
}

resource "aws_route53_resolver_endpoint" "this" {
  count              = local.dns
  name               = "${var.name}-source"
  direction          = "OUTBOUND"
  security_group_ids = [aws_security_group.dns[0].id]
  dynamic "ip_address" {
    for_each = slice(var.private_subnet_ids, 0, 2)
    content {
      subnet_id = ip_address.value
    }
  }
}

resource "aws_route53_resolver_rule" "this" {
  count                = local.dns
  name                 = replace("${var.name}-source", ".", "-")
  domain_name          = var.source_network.dns.domain
  rule_type            = "FORWARD"
  resolver_endpoint_id = aws_route53_resolver_endpoint.this[0].id
  dynamic "target_ip" {
    for_each = var.source_network.dns.servers
    content {
      ip = target_ip.value
    }
  }
}

resource "aws_route53_resolver_rule_association" "this" {
  count            = local.dns
  vpc_id           = var.vpc_id
  resolver_rule_id = aws_route53_resolver_rule.this[0].id
}
