-- By which rules the rows of a table were computed.
delete from staging.rule_ledger
where table_name = :table_name;

insert into staging.rule_ledger (table_name, rules)
values (:table_name, :rules);
