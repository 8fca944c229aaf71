-- Touched keys are taken out, and put back as they are now; a row that the source deleted or truncated stays out.

delete from staging.customer
using staging.customer_load as _loaded
where customer.customer_id = _loaded.customer_id;

insert into staging.customer (
    customer_id,
    customer_uuid,
    full_name,
    email,
    phone,
    address_line,
    city,
    postal_code,
    country,
    birth_date,
    gender,
    segment,
    marital_status,
    income_band,
    marketing_opt_in,
    preferences,
    created_at,
    updated_at
)
select
    _loaded.customer_id,
    _loaded.customer_uuid,
    _loaded.full_name,
    _loaded.email,
    _loaded.phone,
    _loaded.address_line,
    _loaded.city,
    _loaded.postal_code,
    _loaded.country,
    _loaded.birth_date,
    _loaded.gender,
    _loaded.segment,
    _loaded.marital_status,
    _loaded.income_band,
    _loaded.marketing_opt_in,
    _loaded.preferences,
    _loaded.created_at,
    _loaded.updated_at
from staging.customer_load as _loaded
where _loaded._is_deleted = false;

drop table if exists customer_newest;

-- grain: one row: the newest change of the source table that is in the warehouse
create temp table customer_newest as
with known as (
    select changed_at
    from ops.newest_change
    where source_table = 'customer'
    union all
    select _changed_at as changed_at
    from staging.customer_load
)

select max(changed_at) as changed_at
from known;

delete from ops.newest_change
where source_table = 'customer';

insert into ops.newest_change (source_table, changed_at, load_seq)
select 'customer', changed_at, cast(:load_seq as bigint)
from customer_newest
where changed_at is not null;
