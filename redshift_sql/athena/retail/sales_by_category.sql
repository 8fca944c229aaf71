-- What was sold, by month and by the category that a product had when it was sold?
select
    date_format(cast(sales_date as timestamp), '%Y-%m') as month,
    category,
    sum(units) as units,
    sum(net_amount) as net_amount
from agg_daily_sales_by_category
group by date_format(cast(sales_date as timestamp), '%Y-%m'), category
order by month, category;
