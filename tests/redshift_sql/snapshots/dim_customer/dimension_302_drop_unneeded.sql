-- Inferred members that no fact needs any more.

delete from analytics.dim_customer
using dim_customer_unneeded as u
where dim_customer.customer_sk = u._sk;
