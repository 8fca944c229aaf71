drop view if exists ops.versions;

-- grain: one row per dimension: its versions, and those that lack something
create view ops.versions as
{versions}
with no schema binding;
