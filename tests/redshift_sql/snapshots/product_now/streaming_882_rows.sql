-- The rows that product has now: those of the mirror, and over them the stream's changes that no load has.
-- grain: one row per row of the source table
create view staging.product_now as
with changes as (
    select
        s.product_id,
        s.sku,
        s.name,
        s.description,
        s.category,
        s.subcategory,
        s.brand,
        s.list_price,
        s.weight_kg,
        s.active,
        s.attributes,
        s.launched_on,
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
    from staging.product_stream as s
    where s.reason is null and s.change_op in ('c', 'u', 'd', 'r', 't')
),

touched as (
    select product_id
    from changes
    where is_new = 1 and change_op <> 't'
    union
    select product_id
    from staging.product
    where exists (select 1 from changes where is_new = 1 and change_op = 't')
),

-- The mirror does not say where its rows stand in the log. So loaded changes, as long as the stream keeps them, are put
-- in order with the new ones. A re-emission is the change that it repeats.
emitted as (
    select
        c.*,
        min(c.is_new) over (partition by c.product_id, c._identity) as _is_fresh,
        row_number() over (partition by c.product_id, c._identity order by c.kafka_partition, c.kafka_offset) as _copy
    from changes as c
    inner join touched as t on c.product_id = t.product_id
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
        e.product_id,
        0 as _is_seed,
        e._is_fresh,
        e.epoch,
        e.position,
        e.kafka_partition,
        e.kafka_offset,
        case when e._is_fresh = 1 then e.kafka_timestamp end as streamed_at,
        e.change_op,
        e.unavailable,
        e.sku,
        e.name,
        e.description,
        e.category,
        e.subcategory,
        e.brand,
        e.list_price,
        e.weight_kg,
        e.active,
        e.attributes,
        e.launched_on,
        e.updated_at
    from emitted as e
    where e._copy = 1
    union all
    select
        t.product_id,
        0 as _is_seed,
        r._is_fresh,
        r.epoch,
        r.position,
        r.kafka_partition,
        r.kafka_offset,
        case when r._is_fresh = 1 then r.kafka_timestamp end as streamed_at,
        't' as change_op,
        '' as unavailable,
        cast(null as varchar(64)) as sku,
        cast(null as varchar(400)) as name,
        cast(null as varchar(65535)) as description,
        cast(null as varchar(100)) as category,
        cast(null as varchar(100)) as subcategory,
        cast(null as varchar(100)) as brand,
        cast(null as decimal(12,2)) as list_price,
        cast(null as decimal(10,3)) as weight_kg,
        cast(null as boolean) as active,
        cast(null as varchar(65535)) as attributes,
        cast(null as date) as launched_on,
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
                    partition by product_id, epoch, kafka_partition
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
            partition by product_id
            order by _is_seed desc, epoch, _position, kafka_partition, kafka_offset
        ) as _n,
        row_number() over (
            partition by product_id
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
        case when _is_upsert = 1 and strpos(unavailable, ',sku,') = 0 then 1 else 0 end as _known_sku,
        case when _is_upsert = 1 and strpos(unavailable, ',name,') = 0 then 1 else 0 end as _known_name,
        case when _is_upsert = 1 and strpos(unavailable, ',description,') = 0 then 1 else 0 end as _known_description,
        case when _is_upsert = 1 and strpos(unavailable, ',category,') = 0 then 1 else 0 end as _known_category,
        case when _is_upsert = 1 and strpos(unavailable, ',subcategory,') = 0 then 1 else 0 end as _known_subcategory,
        case when _is_upsert = 1 and strpos(unavailable, ',brand,') = 0 then 1 else 0 end as _known_brand,
        case when _is_upsert = 1 and strpos(unavailable, ',list_price,') = 0 then 1 else 0 end as _known_list_price,
        case when _is_upsert = 1 and strpos(unavailable, ',weight_kg,') = 0 then 1 else 0 end as _known_weight_kg,
        case when _is_upsert = 1 and strpos(unavailable, ',active,') = 0 then 1 else 0 end as _known_active,
        case when _is_upsert = 1 and strpos(unavailable, ',attributes,') = 0 then 1 else 0 end as _known_attributes,
        case when _is_upsert = 1 and strpos(unavailable, ',launched_on,') = 0 then 1 else 0 end as _known_launched_on,
        case when _is_upsert = 1 and strpos(unavailable, ',updated_at,') = 0 then 1 else 0 end as _known_updated_at
    from following
),

runs as (
    select
        known.*,
        sum(_known_sku) over (partition by product_id order by _n rows unbounded preceding) as _run_sku,
        sum(_known_name) over (partition by product_id order by _n rows unbounded preceding) as _run_name,
        sum(_known_description) over (partition by product_id order by _n rows unbounded preceding) as _run_description,
        sum(_known_category) over (partition by product_id order by _n rows unbounded preceding) as _run_category,
        sum(_known_subcategory) over (partition by product_id order by _n rows unbounded preceding) as _run_subcategory,
        sum(_known_brand) over (partition by product_id order by _n rows unbounded preceding) as _run_brand,
        sum(_known_list_price) over (partition by product_id order by _n rows unbounded preceding) as _run_list_price,
        sum(_known_weight_kg) over (partition by product_id order by _n rows unbounded preceding) as _run_weight_kg,
        sum(_known_active) over (partition by product_id order by _n rows unbounded preceding) as _run_active,
        sum(_known_attributes) over (partition by product_id order by _n rows unbounded preceding) as _run_attributes,
        sum(_known_launched_on) over (partition by product_id order by _n rows unbounded preceding) as _run_launched_on,
        sum(_known_updated_at) over (partition by product_id order by _n rows unbounded preceding) as _run_updated_at
    from known
),

filled as (
    select
        product_id,
        _from_last,
        _is_seed,
        _is_fresh,
        change_op,
        streamed_at,
        max(case when _known_sku = 1 then sku end) over (partition by product_id, _run_sku) as sku,
        max(case when _known_name = 1 then name end) over (partition by product_id, _run_name) as name,
        max(case when _known_description = 1 then description end) over (partition by product_id, _run_description) as description,
        max(case when _known_category = 1 then category end) over (partition by product_id, _run_category) as category,
        max(case when _known_subcategory = 1 then subcategory end) over (partition by product_id, _run_subcategory) as subcategory,
        max(case when _known_brand = 1 then brand end) over (partition by product_id, _run_brand) as brand,
        max(case when _known_list_price = 1 then list_price end) over (partition by product_id, _run_list_price) as list_price,
        max(case when _known_weight_kg = 1 then weight_kg end) over (partition by product_id, _run_weight_kg) as weight_kg,
        max(case when _known_attributes = 1 then attributes end) over (partition by product_id, _run_attributes) as attributes,
        max(case when _known_launched_on = 1 then launched_on end) over (partition by product_id, _run_launched_on) as launched_on,
        max(case when _known_updated_at = 1 then updated_at end) over (partition by product_id, _run_updated_at) as updated_at,
        cast(max(case when _known_active = 1 then cast(active as integer) end) over (partition by product_id, _run_active) as boolean) as active,
        max(case when _known_sku = 1 then _is_fresh end) over (partition by product_id, _run_sku) as _fresh_sku,
        max(case when _known_name = 1 then _is_fresh end) over (partition by product_id, _run_name) as _fresh_name,
        max(case when _known_description = 1 then _is_fresh end) over (partition by product_id, _run_description) as _fresh_description,
        max(case when _known_category = 1 then _is_fresh end) over (partition by product_id, _run_category) as _fresh_category,
        max(case when _known_subcategory = 1 then _is_fresh end) over (partition by product_id, _run_subcategory) as _fresh_subcategory,
        max(case when _known_brand = 1 then _is_fresh end) over (partition by product_id, _run_brand) as _fresh_brand,
        max(case when _known_list_price = 1 then _is_fresh end) over (partition by product_id, _run_list_price) as _fresh_list_price,
        max(case when _known_weight_kg = 1 then _is_fresh end) over (partition by product_id, _run_weight_kg) as _fresh_weight_kg,
        max(case when _known_active = 1 then _is_fresh end) over (partition by product_id, _run_active) as _fresh_active,
        max(case when _known_attributes = 1 then _is_fresh end) over (partition by product_id, _run_attributes) as _fresh_attributes,
        max(case when _known_launched_on = 1 then _is_fresh end) over (partition by product_id, _run_launched_on) as _fresh_launched_on,
        max(case when _known_updated_at = 1 then _is_fresh end) over (partition by product_id, _run_updated_at) as _fresh_updated_at
    from runs
),

-- Where a key's last change is loaded, the mirror says whether the row is there; what no new change gave is the mirror's.
present as (
    select
        f.product_id,
        case when f._fresh_sku = 1 or m.product_id is null then f.sku else m.sku end as sku,
        case when f._fresh_name = 1 or m.product_id is null then f.name else m.name end as name,
        case when f._fresh_description = 1 or m.product_id is null then f.description else m.description end as description,
        case when f._fresh_category = 1 or m.product_id is null then f.category else m.category end as category,
        case when f._fresh_subcategory = 1 or m.product_id is null then f.subcategory else m.subcategory end as subcategory,
        case when f._fresh_brand = 1 or m.product_id is null then f.brand else m.brand end as brand,
        case when f._fresh_list_price = 1 or m.product_id is null then f.list_price else m.list_price end as list_price,
        case when f._fresh_weight_kg = 1 or m.product_id is null then f.weight_kg else m.weight_kg end as weight_kg,
        case when f._fresh_active = 1 or m.product_id is null then f.active else m.active end as active,
        case when f._fresh_attributes = 1 or m.product_id is null then f.attributes else m.attributes end as attributes,
        case when f._fresh_launched_on = 1 or m.product_id is null then f.launched_on else m.launched_on end as launched_on,
        case when f._fresh_updated_at = 1 or m.product_id is null then f.updated_at else m.updated_at end as updated_at,
        case
            when
                f._is_fresh = 1
                or f._fresh_sku = 1
                or f._fresh_name = 1
                or f._fresh_description = 1
                or f._fresh_category = 1
                or f._fresh_subcategory = 1
                or f._fresh_brand = 1
                or f._fresh_list_price = 1
                or f._fresh_weight_kg = 1
                or f._fresh_active = 1
                or f._fresh_attributes = 1
                or f._fresh_launched_on = 1
                or f._fresh_updated_at = 1
                then true
            else false
        end as is_streamed,
        f.streamed_at
    from filled as f
    left join staging.product as m on f.product_id = m.product_id
    where f._from_last = 1
        and (
            (f._is_fresh = 1 and f.change_op in ('c', 'u', 'r'))
            or (f._is_fresh = 0 and m.product_id is not null)
        )
)

select
    m.product_id,
    m.sku,
    m.name,
    m.description,
    m.category,
    m.subcategory,
    m.brand,
    m.list_price,
    m.weight_kg,
    m.active,
    m.attributes,
    m.launched_on,
    m.updated_at,
    false as is_streamed,
    cast(null as timestamp) as streamed_at
from staging.product as m
left join touched as t on m.product_id = t.product_id
where t.product_id is null
union all
select
    p.product_id,
    p.sku,
    p.name,
    p.description,
    p.category,
    p.subcategory,
    p.brand,
    p.list_price,
    p.weight_kg,
    p.active,
    p.attributes,
    p.launched_on,
    p.updated_at,
    p.is_streamed,
    p.streamed_at
from present as p
with no schema binding;
