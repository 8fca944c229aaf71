drop view if exists ops.definition;

-- grain: one row: which text the views of this schema were made from
create view ops.definition as
select 'c7e808262c9a0965e8230af9e602f220e8a88c577be57d7be71a5d2d15e2f063' as checksum;
