output "vpc_id" {
  description = "The VPC."
  value       = aws_vpc.this.id
}

output "vpc_cidr" {
  description = "Its addresses."
  value       = aws_vpc.this.cidr_block
}

output "private_subnet_ids" {
  description = "Private subnets, one in each of three zones."
  value       = aws_subnet.private[*].id
}

output "private_route_table_ids" {
  description = "Route tables of the private subnets, in their order."
  value       = aws_route_table.private[*].id
}

output "security_group_ids" {
  description = "Security groups by use: glue, msk, connect, redshift, lambda, endpoints."
  value       = { for use, group in aws_security_group.this : use => group.id }
}
