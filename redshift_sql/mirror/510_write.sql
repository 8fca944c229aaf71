-- Touched keys are taken out, and put back as they are now; a row that the source deleted or truncated stays out.

delete from staging.{s}
using staging.{s}_load as _loaded
where {key: {s}.# = _loaded.# | and};

insert into staging.{s} ({column: #})
select {column: _loaded.#}
from staging.{s}_load as _loaded
where _loaded._is_deleted = false;

drop table if exists {s}_newest;

-- grain: one row: the newest change of the source table that is in the warehouse
create temp table {s}_newest as
with known as (
    select changed_at
    from ops.newest_change
    where source_table = '{s}'
    union all
    select _changed_at as changed_at
    from staging.{s}_load
)

select max(changed_at) as changed_at
from known;

delete from ops.newest_change
where source_table = '{s}';

insert into ops.newest_change (source_table, changed_at, load_seq)
select '{s}', changed_at, cast(:load_seq as bigint)
from {s}_newest
where changed_at is not null;
