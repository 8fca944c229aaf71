-- A dimension: its load rows, permanent change log, truncates, tips, and the versions people ask.

-- grain: one row per change of the load at work
create table if not exists staging.{d}_load (
    {load: # #type}
);

-- grain: one row per change of a row, kept for ever: history can be computed again from it
create table if not exists staging.{d}_log (
    {load: # #type}
)
diststyle key
distkey ({distkey})
sortkey ({key: #});

-- grain: one row per truncate of the source table, kept for ever
create table if not exists staging.{d}_truncate (
    {load: # #type}
)
diststyle all;

-- grain: one row per key: how far its log is known, and its state there
create table if not exists staging.{d}_tip (
    {tip: # #type}
)
diststyle key
distkey ({distkey})
sortkey ({key: #});

-- grain: {grain}
create table if not exists analytics.{d} (
    {dimension: # #type}
)
{storage};

-- The unknown member, for facts without a reference.
insert into analytics.{d} ({sk}, effective_from, is_current, is_deleted, is_inferred, is_incomplete, version_identity)
select -1, timestamp '{origin}', true, false, false, false, 'unknown'
where not exists (select 1 from analytics.{d} where {sk} = -1);
