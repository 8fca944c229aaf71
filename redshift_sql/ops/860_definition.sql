drop view if exists ops.definition;

-- grain: one row: which text the views of this schema were made from
create view ops.definition as
select '{checksum}' as checksum;
