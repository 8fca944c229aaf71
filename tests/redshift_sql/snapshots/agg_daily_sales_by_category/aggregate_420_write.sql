-- The aggregate of those dates, computed again from the facts.

delete from analytics.agg_daily_sales_by_category
using agg_daily_sales_by_category_dates as t
where agg_daily_sales_by_category.sales_date = t._date;

insert into analytics.agg_daily_sales_by_category (
    sales_date,
    category,
    units,
    net_amount,
    lines,
    orders
)
with facts as (
    select
        cast(f.ordered_at as date) as sales_date,
        product_sk_member.category as _group_category,
        f.line_no as _fact_line_no,
        f.order_id as _fact_order_id,
        f.quantity as _fact_quantity,
        f.net_amount as _fact_net_amount
    from analytics.fact_sales as f
    inner join agg_daily_sales_by_category_dates as t on cast(f.ordered_at as date) = t._date
    left join analytics.dim_product as product_sk_member on f.product_sk = product_sk_member.product_sk
    where f.ordered_at >= :first_at
        and f.ordered_at < :last_before
)

select
    sales_date,
    _group_category,
    cast(sum(_fact_quantity) as bigint),
    cast(sum(_fact_net_amount) as decimal(38,2)),
    cast(count(_fact_line_no) as bigint),
    cast(count(distinct _fact_order_id) as bigint)
from facts
group by sales_date,
_group_category;
