-- A calendar: one row per day, and the unknown day.

-- grain: one row per day of the load at work
create table if not exists staging.{c}_load (
    {calendar: # #type}
);

-- grain: one row per day
create table if not exists analytics.{c} (
    {calendar: # #type}
)
{storage};
