-- What was sold, by month and by the category that a product had when it was sold?
select
    to_char(sales_date, 'YYYY-MM') as month,
    category,
    sum(units) as units,
    sum(net_amount) as net_amount
from analytics.agg_daily_sales_by_category
group by to_char(sales_date, 'YYYY-MM'), category
order by month, category;
