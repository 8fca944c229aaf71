-- What every warehouse holds, whatever its pipeline.

create schema if not exists staging;

create schema if not exists analytics;

-- grain: one row per load manifest that is in the warehouse
create table if not exists staging.load_ledger (
    load_seq bigint not null,
    attempt varchar(64) not null,
    progress varchar(65535) not null,
    row_counts varchar(65535) not null,
    loaded_at timestamp not null
)
diststyle all
sortkey (load_seq);

-- grain: one row per migration that the warehouse has had, or was made with
create table if not exists staging.migration_ledger (
    number integer not null,
    name varchar(127) not null,
    checksum varchar(64) not null,
    kind varchar(16) not null,
    applied_at timestamp not null
)
diststyle all
sortkey (number);

-- grain: one row per dimension or aggregate: by which rules of its contract its rows were computed
create table if not exists staging.rule_ledger (
    table_name varchar(127) not null,
    rules varchar(65535) not null
)
diststyle all;

-- grain: one row per fact, dimension reference and load that gave the fact another version
create table if not exists analytics.restatements (
    load_seq bigint not null,
    fact varchar(127) not null,
    reference varchar(127) not null,
    business_key varchar(65535) not null,
    event_time timestamp not null,
    old_sk bigint not null,
    new_sk bigint not null,
    reason varchar(64) not null,
    restated_at timestamp not null
)
diststyle even
sortkey (load_seq);
