output "vpn_tunnel_addresses" {
  description = "Public addresses of the VPN's two tunnels on our side; empty where there is no VPN."
  value       = flatten([for vpn in aws_vpn_connection.this : [vpn.tunnel1_address, vpn.tunnel2_address]])
}

output "peering_id" {
  description = "The peering, for its owner over there to accept; empty where there is none."
  value       = join("", aws_vpc_peering_connection.this[*].id)
}
