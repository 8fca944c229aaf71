-- A calendar is small and whole in each of its loads.

delete from analytics.dim_date;

insert into analytics.dim_date (date_sk, date, year, quarter, month, month_name, day, iso_week, weekday, is_weekend)
select date_sk, date, year, quarter, month, month_name, day, iso_week, weekday, is_weekend
from staging.dim_date_load;
