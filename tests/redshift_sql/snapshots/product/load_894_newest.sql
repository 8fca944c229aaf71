-- The newest change that the load brought of a source table that has no mirror, whose own load would tell it.
delete from ops.newest_change
where source_table = 'product' and changed_at <= cast(:changed_at as timestamp);

insert into ops.newest_change (source_table, changed_at, load_seq)
select 'product', cast(:changed_at as timestamp), cast(:load_seq as bigint)
where not exists (
    select 1
    from ops.newest_change
    where source_table = 'product'
);
