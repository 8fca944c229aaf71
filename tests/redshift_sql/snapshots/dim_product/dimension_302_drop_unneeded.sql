-- Inferred members that no fact needs any more.

delete from analytics.dim_product
using dim_product_unneeded as u
where dim_product.product_sk = u._sk;
