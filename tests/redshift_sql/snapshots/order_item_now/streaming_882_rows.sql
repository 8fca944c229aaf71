-- The rows that order_item has now: those of the mirror, and over them the stream's changes that no load has.
-- grain: one row per row of the source table
create view staging.order_item_now as
with changes as (
    select
        s.order_id, s.line_no, s.product_id, s.quantity, s.unit_price, s.discount, s.tax_rate, s.updated_at,
        s.epoch,
        s.kafka_partition,
        s.kafka_offset,
        s.kafka_timestamp,
        s.change_op,
        s.position,
        s.unavailable,
        s.is_new,
        coalesce(s.change_identity, cast(s.kafka_partition as varchar) || '/' || cast(s.kafka_offset as varchar)) as _identity
    from staging.order_item_stream as s
    where s.reason is null and s.change_op in ('c', 'u', 'd', 'r', 't')
),

touched as (
    select order_id, line_no
    from changes
    where is_new = 1 and change_op <> 't'
    union
    select order_id, line_no
    from staging.order_item
    where exists (select 1 from changes where is_new = 1 and change_op = 't')
),

-- The mirror does not say where its rows stand in the log. So loaded changes, as long as the stream keeps them, are put
-- in order with the new ones. A re-emission is the change that it repeats.
emitted as (
    select
        c.*,
        min(c.is_new) over (partition by c.order_id, c.line_no, c._identity) as _is_fresh,
        row_number() over (partition by c.order_id, c.line_no, c._identity order by c.kafka_partition, c.kafka_offset) as _copy
    from changes as c
    inner join touched as t on c.order_id = t.order_id and c.line_no = t.line_no
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
        e.order_id, e.line_no,
        0 as _is_seed,
        e._is_fresh,
        e.epoch,
        e.position,
        e.kafka_partition,
        e.kafka_offset,
        case when e._is_fresh = 1 then e.kafka_timestamp end as streamed_at,
        e.change_op,
        e.unavailable,
        e.product_id,
        e.quantity,
        e.unit_price,
        e.discount,
        e.tax_rate,
        e.updated_at
    from emitted as e
    where e._copy = 1
    union all
    select
        t.order_id, t.line_no,
        0 as _is_seed,
        r._is_fresh,
        r.epoch,
        r.position,
        r.kafka_partition,
        r.kafka_offset,
        case when r._is_fresh = 1 then r.kafka_timestamp end as streamed_at,
        't' as change_op,
        '' as unavailable,
        cast(null as bigint) as product_id,
        cast(null as integer) as quantity,
        cast(null as decimal(12,2)) as unit_price,
        cast(null as decimal(12,2)) as discount,
        cast(null as decimal(5,4)) as tax_rate,
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
                    partition by order_id, line_no, epoch, kafka_partition
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
            partition by order_id, line_no
            order by _is_seed desc, epoch, _position, kafka_partition, kafka_offset
        ) as _n,
        row_number() over (
            partition by order_id, line_no
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
        case when _is_upsert = 1 and strpos(unavailable, ',product_id,') = 0 then 1 else 0 end as _known_product_id,
        case when _is_upsert = 1 and strpos(unavailable, ',quantity,') = 0 then 1 else 0 end as _known_quantity,
        case when _is_upsert = 1 and strpos(unavailable, ',unit_price,') = 0 then 1 else 0 end as _known_unit_price,
        case when _is_upsert = 1 and strpos(unavailable, ',discount,') = 0 then 1 else 0 end as _known_discount,
        case when _is_upsert = 1 and strpos(unavailable, ',tax_rate,') = 0 then 1 else 0 end as _known_tax_rate,
        case when _is_upsert = 1 and strpos(unavailable, ',updated_at,') = 0 then 1 else 0 end as _known_updated_at
    from following
),

runs as (
    select
        known.*,
        sum(_known_product_id) over (partition by order_id, line_no order by _n rows unbounded preceding) as _run_product_id,
        sum(_known_quantity) over (partition by order_id, line_no order by _n rows unbounded preceding) as _run_quantity,
        sum(_known_unit_price) over (partition by order_id, line_no order by _n rows unbounded preceding) as _run_unit_price,
        sum(_known_discount) over (partition by order_id, line_no order by _n rows unbounded preceding) as _run_discount,
        sum(_known_tax_rate) over (partition by order_id, line_no order by _n rows unbounded preceding) as _run_tax_rate,
        sum(_known_updated_at) over (partition by order_id, line_no order by _n rows unbounded preceding) as _run_updated_at
    from known
),

filled as (
    select
        order_id, line_no,
        _from_last,
        _is_seed,
        _is_fresh,
        change_op,
        streamed_at,
        max(case when _known_product_id = 1 then product_id end) over (partition by order_id, line_no, _run_product_id) as product_id,
        max(case when _known_quantity = 1 then quantity end) over (partition by order_id, line_no, _run_quantity) as quantity,
        max(case when _known_unit_price = 1 then unit_price end) over (partition by order_id, line_no, _run_unit_price) as unit_price,
        max(case when _known_discount = 1 then discount end) over (partition by order_id, line_no, _run_discount) as discount,
        max(case when _known_tax_rate = 1 then tax_rate end) over (partition by order_id, line_no, _run_tax_rate) as tax_rate,
        max(case when _known_updated_at = 1 then updated_at end) over (partition by order_id, line_no, _run_updated_at) as updated_at,
        max(case when _known_product_id = 1 then _is_fresh end) over (partition by order_id, line_no, _run_product_id) as _fresh_product_id,
        max(case when _known_quantity = 1 then _is_fresh end) over (partition by order_id, line_no, _run_quantity) as _fresh_quantity,
        max(case when _known_unit_price = 1 then _is_fresh end) over (partition by order_id, line_no, _run_unit_price) as _fresh_unit_price,
        max(case when _known_discount = 1 then _is_fresh end) over (partition by order_id, line_no, _run_discount) as _fresh_discount,
        max(case when _known_tax_rate = 1 then _is_fresh end) over (partition by order_id, line_no, _run_tax_rate) as _fresh_tax_rate,
        max(case when _known_updated_at = 1 then _is_fresh end) over (partition by order_id, line_no, _run_updated_at) as _fresh_updated_at
    from runs
),

-- Where a key's last change is loaded, the mirror says whether the row is there; what no new change gave is the mirror's.
present as (
    select
        f.order_id, f.line_no,
        case when f._fresh_product_id = 1 or m.order_id is null then f.product_id else m.product_id end as product_id,
        case when f._fresh_quantity = 1 or m.order_id is null then f.quantity else m.quantity end as quantity,
        case when f._fresh_unit_price = 1 or m.order_id is null then f.unit_price else m.unit_price end as unit_price,
        case when f._fresh_discount = 1 or m.order_id is null then f.discount else m.discount end as discount,
        case when f._fresh_tax_rate = 1 or m.order_id is null then f.tax_rate else m.tax_rate end as tax_rate,
        case when f._fresh_updated_at = 1 or m.order_id is null then f.updated_at else m.updated_at end as updated_at,
        case
            when
                f._is_fresh = 1
                or f._fresh_product_id = 1
                or f._fresh_quantity = 1
                or f._fresh_unit_price = 1
                or f._fresh_discount = 1
                or f._fresh_tax_rate = 1
                or f._fresh_updated_at = 1
                then true
            else false
        end as is_streamed,
        f.streamed_at
    from filled as f
    left join staging.order_item as m on f.order_id = m.order_id and f.line_no = m.line_no
    where f._from_last = 1
        and (
            (f._is_fresh = 1 and f.change_op in ('c', 'u', 'r'))
            or (f._is_fresh = 0 and m.order_id is not null)
        )
)

select
    m.order_id, m.line_no, m.product_id, m.quantity, m.unit_price, m.discount, m.tax_rate, m.updated_at,
    false as is_streamed,
    cast(null as timestamp) as streamed_at
from staging.order_item as m
left join touched as t on m.order_id = t.order_id and m.line_no = t.line_no
where t.order_id is null
union all
select
    p.order_id, p.line_no, p.product_id, p.quantity, p.unit_price, p.discount, p.tax_rate, p.updated_at,
    p.is_streamed,
    p.streamed_at
from present as p
with no schema binding;
