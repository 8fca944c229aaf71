drop view if exists ops.definition;

-- grain: one row: which text the views of this schema were made from
create view ops.definition as
select 'ac70ba16e7e2d185d1cbb1628d28972d61e263796fec9f07abfdc29923864dee' as checksum;
