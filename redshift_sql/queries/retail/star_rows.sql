-- How many rows does each table of the star hold, unknown members aside?
select dimension as table_name, versions as row_count
from ops.versions
union all
select table_name, row_count
from ops.row_counts
where schema_name = 'analytics' and (table_name like 'fact%' or table_name like 'agg%')
order by table_name;
