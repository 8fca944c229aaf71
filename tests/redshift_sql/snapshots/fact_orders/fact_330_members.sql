-- The versions that the loaded facts may refer to; a member without one is inferred.

drop table if exists fact_orders_customer_sk_members;

-- grain: one row per member that a loaded, live fact refers to
create temp table fact_orders_customer_sk_members as
select customer_id as _member_customer_id, max(customer_sk_origin_sk) as _origin_sk
from staging.fact_orders_load
where is_deleted = false
    and ordered_at is not null
    and customer_id is not null
group by customer_id;

drop table if exists fact_orders_customer_sk_windows;

-- grain: one row per version of such a member; facts from effective_from (the first: from ever) until _until refer to it
create temp table fact_orders_customer_sk_windows as
select
    v.customer_id,
    v.customer_sk as _sk,
    v.effective_from,
    row_number() over (partition by v.customer_id order by v.effective_from) as _number,
    lead(v.effective_from) over (partition by v.customer_id order by v.effective_from) as _until
from analytics.dim_customer as v
inner join fact_orders_customer_sk_members as m on v.customer_id = m._member_customer_id;

drop table if exists fact_orders_customer_sk_missing;

-- grain: one row per member without a version
create temp table fact_orders_customer_sk_missing as
select m._member_customer_id, m._origin_sk
from fact_orders_customer_sk_members as m
left join fact_orders_customer_sk_windows as w on m._member_customer_id = w.customer_id
where w._sk is null;

insert into analytics.dim_customer (customer_sk, customer_id, effective_from, is_current, is_deleted, is_inferred, is_incomplete, version_identity)
select _origin_sk, _member_customer_id, timestamp '1900-01-01 00:00:00', true, false, true, false, 'inferred'
from fact_orders_customer_sk_missing;

insert into fact_orders_customer_sk_windows (customer_id, _sk, effective_from, _number)
select _member_customer_id, _origin_sk, timestamp '1900-01-01 00:00:00', 1
from fact_orders_customer_sk_missing;
