-- grain: {grain}
create table if not exists analytics.{a} (
    {aggregate: # #type}
)
{storage};
