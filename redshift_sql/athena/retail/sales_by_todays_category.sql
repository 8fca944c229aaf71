-- What was sold, by the category that a product has now, beside the one that it had then?
with newest as (
    select
        product_id,
        category,
        row_number() over (partition by product_id order by effective_from desc) as age
    from dim_product
    where product_sk <> -1
),

today as (
    select n.category, sum(f.net_amount) as net_amount
    from fact_sales as f
    left join newest as n on f.product_id = n.product_id and n.age = 1
    group by n.category
),

then_sold as (
    select category, sum(net_amount) as net_amount
    from agg_daily_sales_by_category
    group by category
)

select
    coalesce(today.category, then_sold.category) as category,
    today.net_amount as by_todays_category,
    then_sold.net_amount as by_category_when_sold
from today
full outer join then_sold on today.category = then_sold.category
order by category;
