-- The rows that order has now: those of the mirror, and over them the stream's changes that no load has.
-- grain: one row per row of the source table
create view staging.order_now as
with changes as (
    select
        s.order_id,
        s.customer_id,
        s.status,
        s.ordered_at,
        s.shipped_at,
        s.channel,
        s.currency,
        s.shipping_fee,
        s.note,
        s.updated_at,
        s.epoch,
        s.kafka_partition,
        s.kafka_offset,
        s.kafka_timestamp,
        s.change_op,
        s.position,
        s.unavailable,
        s.is_new,
        coalesce(s.change_identity, cast(s.kafka_partition as varchar) || '/' || cast(s.kafka_offset as varchar)) as _identity
    from staging.order_stream as s
    where s.reason is null and s.change_op in ('c', 'u', 'd', 'r', 't')
),

touched as (
    select order_id
    from changes
    where is_new = 1 and change_op <> 't'
    union
    select order_id
    from staging."order"
    where exists (select 1 from changes where is_new = 1 and change_op = 't')
),

-- The mirror does not say where its rows stand in the log. So loaded changes, as long as the stream keeps them, are put
-- in order with the new ones. A re-emission is the change that it repeats.
emitted as (
    select
        c.*,
        min(c.is_new) over (partition by c.order_id, c._identity) as _is_fresh,
        row_number() over (partition by c.order_id, c._identity order by c.kafka_partition, c.kafka_offset) as _copy
    from changes as c
    inner join touched as t on c.order_id = t.order_id
    where c.change_op <> 't'
),

truncates as (
    select
        epoch,
        kafka_partition,
        kafka_offset,
        kafka_timestamp,
        position,
        min(is_new) over (partition by _identity) as _is_fresh,
        row_number() over (partition by _identity order by kafka_partition, kafka_offset) as _copy
    from changes
    where change_op = 't'
),

events as (
    select
        e.order_id,
        0 as _is_seed,
        e._is_fresh,
        e.epoch,
        e.position,
        e.kafka_partition,
        e.kafka_offset,
        case when e._is_fresh = 1 then e.kafka_timestamp end as streamed_at,
        e.change_op,
        e.unavailable,
        e.customer_id,
        e.status,
        e.ordered_at,
        e.shipped_at,
        e.channel,
        e.currency,
        e.shipping_fee,
        e.note,
        e.updated_at
    from emitted as e
    where e._copy = 1
    union all
    select
        t.order_id,
        0 as _is_seed,
        r._is_fresh,
        r.epoch,
        r.position,
        r.kafka_partition,
        r.kafka_offset,
        case when r._is_fresh = 1 then r.kafka_timestamp end as streamed_at,
        't' as change_op,
        '' as unavailable,
        cast(null as bigint) as customer_id,
        cast(null as varchar(32)) as status,
        cast(null as timestamp) as ordered_at,
        cast(null as timestamp) as shipped_at,
        cast(null as varchar(32)) as channel,
        cast(null as varchar(3)) as currency,
        cast(null as decimal(10,2)) as shipping_fee,
        cast(null as varchar(65535)) as note,
        cast(null as timestamp) as updated_at
    from touched as t
    cross join truncates as r
    where r._copy = 1
),

-- A snapshot row has no position: it takes the highest one at lower offsets of its partition.
anchored as (
    select
        events.*,
        case
            when change_op <> 'r' then position
            else coalesce(
                max(case when change_op <> 'r' then position end) over (
                    partition by order_id, epoch, kafka_partition
                    order by kafka_offset
                    rows between unbounded preceding and 1 preceding
                ),
                ''
            )
        end as _position
    from events
),

following as (
    select
        anchored.*,
        case when change_op in ('c', 'u', 'r') or _is_seed = 1 then 1 else 0 end as _is_upsert,
        row_number() over (
            partition by order_id
            order by _is_seed desc, epoch, _position, kafka_partition, kafka_offset
        ) as _n,
        row_number() over (
            partition by order_id
            order by _is_seed, epoch desc, _position desc, kafka_partition desc, kafka_offset desc
        ) as _from_last
    from anchored
    where _is_seed = 1
        or (
            not (change_op = 'd' and 'close' = 'ignore')
            and not (change_op = 't' and 'close' = 'ignore')
        )
),

-- An unavailable value is the one that the key's upsert before had; `_fresh_` of a value is 1 where the stream gave it,
-- 0 where a load did, NULL where nothing did.
known as (
    select
        following.*,
        case when _is_upsert = 1 and strpos(unavailable, ',customer_id,') = 0 then 1 else 0 end as _known_customer_id,
        case when _is_upsert = 1 and strpos(unavailable, ',status,') = 0 then 1 else 0 end as _known_status,
        case when _is_upsert = 1 and strpos(unavailable, ',ordered_at,') = 0 then 1 else 0 end as _known_ordered_at,
        case when _is_upsert = 1 and strpos(unavailable, ',shipped_at,') = 0 then 1 else 0 end as _known_shipped_at,
        case when _is_upsert = 1 and strpos(unavailable, ',channel,') = 0 then 1 else 0 end as _known_channel,
        case when _is_upsert = 1 and strpos(unavailable, ',currency,') = 0 then 1 else 0 end as _known_currency,
        case when _is_upsert = 1 and strpos(unavailable, ',shipping_fee,') = 0 then 1 else 0 end as _known_shipping_fee,
        case when _is_upsert = 1 and strpos(unavailable, ',note,') = 0 then 1 else 0 end as _known_note,
        case when _is_upsert = 1 and strpos(unavailable, ',updated_at,') = 0 then 1 else 0 end as _known_updated_at
    from following
),

runs as (
    select
        known.*,
        sum(_known_customer_id) over (partition by order_id order by _n rows unbounded preceding) as _run_customer_id,
        sum(_known_status) over (partition by order_id order by _n rows unbounded preceding) as _run_status,
        sum(_known_ordered_at) over (partition by order_id order by _n rows unbounded preceding) as _run_ordered_at,
        sum(_known_shipped_at) over (partition by order_id order by _n rows unbounded preceding) as _run_shipped_at,
        sum(_known_channel) over (partition by order_id order by _n rows unbounded preceding) as _run_channel,
        sum(_known_currency) over (partition by order_id order by _n rows unbounded preceding) as _run_currency,
        sum(_known_shipping_fee) over (partition by order_id order by _n rows unbounded preceding) as _run_shipping_fee,
        sum(_known_note) over (partition by order_id order by _n rows unbounded preceding) as _run_note,
        sum(_known_updated_at) over (partition by order_id order by _n rows unbounded preceding) as _run_updated_at
    from known
),

filled as (
    select
        order_id,
        _from_last,
        _is_seed,
        _is_fresh,
        change_op,
        streamed_at,
        max(case when _known_customer_id = 1 then customer_id end) over (partition by order_id, _run_customer_id) as customer_id,
        max(case when _known_status = 1 then status end) over (partition by order_id, _run_status) as status,
        max(case when _known_ordered_at = 1 then ordered_at end) over (partition by order_id, _run_ordered_at) as ordered_at,
        max(case when _known_shipped_at = 1 then shipped_at end) over (partition by order_id, _run_shipped_at) as shipped_at,
        max(case when _known_channel = 1 then channel end) over (partition by order_id, _run_channel) as channel,
        max(case when _known_currency = 1 then currency end) over (partition by order_id, _run_currency) as currency,
        max(case when _known_shipping_fee = 1 then shipping_fee end) over (partition by order_id, _run_shipping_fee) as shipping_fee,
        max(case when _known_note = 1 then note end) over (partition by order_id, _run_note) as note,
        max(case when _known_updated_at = 1 then updated_at end) over (partition by order_id, _run_updated_at) as updated_at,
        max(case when _known_customer_id = 1 then _is_fresh end) over (partition by order_id, _run_customer_id) as _fresh_customer_id,
        max(case when _known_status = 1 then _is_fresh end) over (partition by order_id, _run_status) as _fresh_status,
        max(case when _known_ordered_at = 1 then _is_fresh end) over (partition by order_id, _run_ordered_at) as _fresh_ordered_at,
        max(case when _known_shipped_at = 1 then _is_fresh end) over (partition by order_id, _run_shipped_at) as _fresh_shipped_at,
        max(case when _known_channel = 1 then _is_fresh end) over (partition by order_id, _run_channel) as _fresh_channel,
        max(case when _known_currency = 1 then _is_fresh end) over (partition by order_id, _run_currency) as _fresh_currency,
        max(case when _known_shipping_fee = 1 then _is_fresh end) over (partition by order_id, _run_shipping_fee) as _fresh_shipping_fee,
        max(case when _known_note = 1 then _is_fresh end) over (partition by order_id, _run_note) as _fresh_note,
        max(case when _known_updated_at = 1 then _is_fresh end) over (partition by order_id, _run_updated_at) as _fresh_updated_at
    from runs
),

-- Where a key's last change is loaded, the mirror says whether the row is there; what no new change gave is the mirror's.
present as (
    select
        f.order_id,
        case when f._fresh_customer_id = 1 or m.order_id is null then f.customer_id else m.customer_id end as customer_id,
        case when f._fresh_status = 1 or m.order_id is null then f.status else m.status end as status,
        case when f._fresh_ordered_at = 1 or m.order_id is null then f.ordered_at else m.ordered_at end as ordered_at,
        case when f._fresh_shipped_at = 1 or m.order_id is null then f.shipped_at else m.shipped_at end as shipped_at,
        case when f._fresh_channel = 1 or m.order_id is null then f.channel else m.channel end as channel,
        case when f._fresh_currency = 1 or m.order_id is null then f.currency else m.currency end as currency,
        case when f._fresh_shipping_fee = 1 or m.order_id is null then f.shipping_fee else m.shipping_fee end as shipping_fee,
        case when f._fresh_note = 1 or m.order_id is null then f.note else m.note end as note,
        case when f._fresh_updated_at = 1 or m.order_id is null then f.updated_at else m.updated_at end as updated_at,
        case
            when
                f._is_fresh = 1
                or f._fresh_customer_id = 1
                or f._fresh_status = 1
                or f._fresh_ordered_at = 1
                or f._fresh_shipped_at = 1
                or f._fresh_channel = 1
                or f._fresh_currency = 1
                or f._fresh_shipping_fee = 1
                or f._fresh_note = 1
                or f._fresh_updated_at = 1
                then true
            else false
        end as is_streamed,
        f.streamed_at
    from filled as f
    left join staging."order" as m on f.order_id = m.order_id
    where f._from_last = 1
        and (
            (f._is_fresh = 1 and f.change_op in ('c', 'u', 'r'))
            or (f._is_fresh = 0 and m.order_id is not null)
        )
)

select
    m.order_id,
    m.customer_id,
    m.status,
    m.ordered_at,
    m.shipped_at,
    m.channel,
    m.currency,
    m.shipping_fee,
    m.note,
    m.updated_at,
    false as is_streamed,
    cast(null as timestamp) as streamed_at
from staging."order" as m
left join touched as t on m.order_id = t.order_id
where t.order_id is null
union all
select
    p.order_id,
    p.customer_id,
    p.status,
    p.ordered_at,
    p.shipped_at,
    p.channel,
    p.currency,
    p.shipping_fee,
    p.note,
    p.updated_at,
    p.is_streamed,
    p.streamed_at
from present as p
with no schema binding;
