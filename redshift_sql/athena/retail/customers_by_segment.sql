-- How many customers are there now, by segment and country?
select segment, country, count(*) as customers
from dim_customer
where is_current = true and is_deleted = false and is_inferred = false and customer_sk <> -1
group by segment, country
order by customers desc, segment, country;
