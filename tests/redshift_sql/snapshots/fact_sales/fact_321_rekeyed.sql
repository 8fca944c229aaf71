-- Facts in moved intervals refer to the version that the as-of rule gives now; the restatement log says which, and why.

drop table if exists fact_sales_customer_sk_moved;

-- grain: one row per fact in a moved interval of its member
create temp table fact_sales_customer_sk_moved as
select
    f.order_id, f.line_no,
    f.ordered_at as _event_time,
    f.customer_sk as _old_sk,
    m._origin_sk,
    m.customer_id as _member_customer_id
from analytics.fact_sales as f
inner join dim_customer_moves as m on f.customer_id = m.customer_id
where f.ordered_at >= :moved_from
    and f.ordered_at < :moved_to
    and f.ordered_at >= m._moved_from
    and f.ordered_at < m._moved_to;

drop table if exists fact_sales_customer_sk_bereft;

-- grain: one row per member that has facts and no version any more
create temp table fact_sales_customer_sk_bereft as
select m._member_customer_id, max(m._origin_sk) as _origin_sk
from fact_sales_customer_sk_moved as m
left join dim_customer_after as a on m._member_customer_id = a.customer_id
where a.customer_sk is null
group by m._member_customer_id;

insert into analytics.dim_customer (customer_sk, customer_id, effective_from, is_current, is_deleted, is_inferred, is_incomplete, version_identity)
select _origin_sk, _member_customer_id, timestamp '1900-01-01 00:00:00', true, false, true, false, 'inferred'
from fact_sales_customer_sk_bereft;

insert into dim_customer_after (customer_sk, customer_id, effective_from, is_current, is_deleted, is_inferred, is_incomplete, version_identity)
select _origin_sk, _member_customer_id, timestamp '1900-01-01 00:00:00', true, false, true, false, 'inferred'
from fact_sales_customer_sk_bereft;

drop table if exists fact_sales_customer_sk_rekeyed;

-- grain: one row per fact that another version fits now
create temp table fact_sales_customer_sk_rekeyed as
with windows as (
    select
        customer_id,
        customer_sk as _sk,
        is_inferred,
        effective_from,
        row_number() over (partition by customer_id order by effective_from) as _number,
        lead(effective_from) over (partition by customer_id order by effective_from) as _until
    from dim_customer_after
)

select
    m.order_id, m.line_no,
    m._event_time,
    m._old_sk,
    w._sk as _new_sk,
    case
        when w.is_inferred = true then 'the member has no version any more'
        when b.is_inferred = true then 'the member is known now'
        else 'versions of the member moved'
    end as _reason
from fact_sales_customer_sk_moved as m
inner join windows as w on m._member_customer_id = w.customer_id
left join dim_customer_before as b on m._old_sk = b.customer_sk
where (w._number = 1 or w.effective_from <= m._event_time)
    and (w._until is null or w._until > m._event_time)
    and w._sk <> m._old_sk;

update analytics.fact_sales
set customer_sk = n._new_sk
from fact_sales_customer_sk_rekeyed as n
where fact_sales.order_id = n.order_id and fact_sales.line_no = n.line_no
    and fact_sales.ordered_at >= :moved_from
    and fact_sales.ordered_at < :moved_to;

insert into analytics.restatements (
    load_seq, fact, reference, business_key, event_time, old_sk, new_sk, reason, restated_at
)
select
    cast(:load_seq as bigint),
    'fact_sales',
    'customer_sk',
    cast(order_id as varchar) || '/' || cast(line_no as varchar),
    _event_time,
    _old_sk,
    _new_sk,
    _reason,
    cast(:loaded_at as timestamp)
from fact_sales_customer_sk_rekeyed;

-- Facts in moved intervals refer to the version that the as-of rule gives now; the restatement log says which, and why.

drop table if exists fact_sales_product_sk_moved;

-- grain: one row per fact in a moved interval of its member
create temp table fact_sales_product_sk_moved as
select
    f.order_id, f.line_no,
    f.ordered_at as _event_time,
    f.product_sk as _old_sk,
    m._origin_sk,
    m.product_id as _member_product_id
from analytics.fact_sales as f
inner join dim_product_moves as m on f.product_id = m.product_id
where f.ordered_at >= :moved_from
    and f.ordered_at < :moved_to
    and f.ordered_at >= m._moved_from
    and f.ordered_at < m._moved_to;

drop table if exists fact_sales_product_sk_bereft;

-- grain: one row per member that has facts and no version any more
create temp table fact_sales_product_sk_bereft as
select m._member_product_id, max(m._origin_sk) as _origin_sk
from fact_sales_product_sk_moved as m
left join dim_product_after as a on m._member_product_id = a.product_id
where a.product_sk is null
group by m._member_product_id;

insert into analytics.dim_product (product_sk, product_id, effective_from, is_current, is_deleted, is_inferred, is_incomplete, version_identity)
select _origin_sk, _member_product_id, timestamp '1900-01-01 00:00:00', true, false, true, false, 'inferred'
from fact_sales_product_sk_bereft;

insert into dim_product_after (product_sk, product_id, effective_from, is_current, is_deleted, is_inferred, is_incomplete, version_identity)
select _origin_sk, _member_product_id, timestamp '1900-01-01 00:00:00', true, false, true, false, 'inferred'
from fact_sales_product_sk_bereft;

drop table if exists fact_sales_product_sk_rekeyed;

-- grain: one row per fact that another version fits now
create temp table fact_sales_product_sk_rekeyed as
with windows as (
    select
        product_id,
        product_sk as _sk,
        is_inferred,
        effective_from,
        row_number() over (partition by product_id order by effective_from) as _number,
        lead(effective_from) over (partition by product_id order by effective_from) as _until
    from dim_product_after
)

select
    m.order_id, m.line_no,
    m._event_time,
    m._old_sk,
    w._sk as _new_sk,
    case
        when w.is_inferred = true then 'the member has no version any more'
        when b.is_inferred = true then 'the member is known now'
        else 'versions of the member moved'
    end as _reason
from fact_sales_product_sk_moved as m
inner join windows as w on m._member_product_id = w.product_id
left join dim_product_before as b on m._old_sk = b.product_sk
where (w._number = 1 or w.effective_from <= m._event_time)
    and (w._until is null or w._until > m._event_time)
    and w._sk <> m._old_sk;

update analytics.fact_sales
set product_sk = n._new_sk
from fact_sales_product_sk_rekeyed as n
where fact_sales.order_id = n.order_id and fact_sales.line_no = n.line_no
    and fact_sales.ordered_at >= :moved_from
    and fact_sales.ordered_at < :moved_to;

insert into analytics.restatements (
    load_seq, fact, reference, business_key, event_time, old_sk, new_sk, reason, restated_at
)
select
    cast(:load_seq as bigint),
    'fact_sales',
    'product_sk',
    cast(order_id as varchar) || '/' || cast(line_no as varchar),
    _event_time,
    _old_sk,
    _new_sk,
    _reason,
    cast(:loaded_at as timestamp)
from fact_sales_product_sk_rekeyed;
