drop view if exists ops.row_counts;

-- grain: one row per table of the star, and per mirror and change log in staging
create view ops.row_counts as
{counts}
with no schema binding;
