-- A fact: its load rows, and the facts people ask.

-- grain: one row per fact that the load at work states anew
create table if not exists staging.{f}_load (
    {load: # #type}
);

-- grain: {grain}
create table if not exists analytics.{f} (
    {fact: # #type}
)
{storage};
