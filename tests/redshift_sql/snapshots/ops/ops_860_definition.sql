drop view if exists ops.definition;

-- grain: one row: which text the views of this schema were made from
create view ops.definition as
select 'a3508d5cc51735ddcff6a703de4287af9ad17956659762f909832fe5049bc913' as checksum;
