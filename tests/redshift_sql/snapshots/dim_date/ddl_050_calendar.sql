-- A calendar: one row per day, and the unknown day.

-- grain: one row per day of the load at work
create table if not exists staging.dim_date_load (
    date_sk integer,
    date date,
    year smallint,
    quarter smallint,
    month smallint,
    month_name varchar(16),
    day smallint,
    iso_week smallint,
    weekday smallint,
    is_weekend boolean
);

-- grain: one row per day
create table if not exists analytics.dim_date (
    date_sk integer,
    date date,
    year smallint,
    quarter smallint,
    month smallint,
    month_name varchar(16),
    day smallint,
    iso_week smallint,
    weekday smallint,
    is_weekend boolean
)
diststyle all
sortkey (date_sk);
