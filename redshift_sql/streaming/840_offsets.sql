-- How far the newest load has each topic, as the ledger's row has it: `source:epoch:partition:offset source:…`.
-- grain: one row per source table and partition
create view staging.load_offsets as
with newest as (
    select split_part(split_part(progress, '"kafka offsets": "', 2), '"', 1) as offsets
    from staging.load_ledger
    where load_seq = (select max(l.load_seq) from staging.load_ledger as l)
),

digits as (
    select 0 as d
    union all select 1
    union all select 2
    union all select 3
    union all select 4
    union all select 5
    union all select 6
    union all select 7
    union all select 8
    union all select 9
),

numbers as (
    select thousands.d * 1000 + hundreds.d * 100 + tens.d * 10 + ones.d + 1 as n
    from digits as ones
    cross join digits as tens
    cross join digits as hundreds
    cross join digits as thousands
),

parts as (
    select split_part(newest.offsets, ' ', numbers.n) as part
    from newest
    inner join numbers on numbers.n <= length(newest.offsets) - length(replace(newest.offsets, ' ', '')) + 1
    where newest.offsets <> ''
)

select
    cast(split_part(part, ':', 1) as varchar(127)) as source,
    cast(split_part(part, ':', 2) as integer) as epoch,
    cast(split_part(part, ':', 3) as integer) as kafka_partition,
    cast(split_part(part, ':', 4) as bigint) as next_offset
from parts
with no schema binding;
