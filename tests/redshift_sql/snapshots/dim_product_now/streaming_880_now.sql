-- dim_product as it is now: the newest load's rows, and over them the stream's changes that no load has.
-- grain: one row per key that is there
create view analytics.dim_product_now as
with emitted as (
    select
        s.product_id as product_id,
        s.epoch,
        s.kafka_partition,
        s.kafka_offset,
        s.kafka_timestamp,
        s.change_op,
        s.position,
        ','
        || case when strpos(s.unavailable, ',sku,') > 0 then 'sku,' else '' end
        || case when strpos(s.unavailable, ',name,') > 0 then 'product_name,' else '' end
        || case when strpos(s.unavailable, ',description,') > 0 then 'description,' else '' end
        || case when strpos(s.unavailable, ',brand,') > 0 then 'brand,' else '' end
        || case when strpos(s.unavailable, ',list_price,') > 0 then 'list_price,' else '' end
        || case when strpos(s.unavailable, ',weight_kg,') > 0 then 'weight_kg,' else '' end
        || case when strpos(s.unavailable, ',active,') > 0 then 'active,' else '' end
        || case when strpos(s.unavailable, ',launched_on,') > 0 then 'launched_on,' else '' end
        || case when strpos(s.unavailable, ',category,') > 0 then 'category,' else '' end
        || case when strpos(s.unavailable, ',subcategory,') > 0 then 'subcategory,' else '' end as unavailable,
        row_number() over (
            partition by coalesce(s.change_identity, cast(s.kafka_partition as varchar) || '/' || cast(s.kafka_offset as varchar))
            order by s.kafka_partition, s.kafka_offset
        ) as _copy,
        s.sku as sku,
        s.name as product_name,
        s.description as description,
        s.brand as brand,
        s.list_price as list_price,
        s.weight_kg as weight_kg,
        s.active as active,
        s.launched_on as launched_on,
        s.category as category,
        s.subcategory as subcategory
    from staging.product_stream as s
    left join staging.product_stream as loaded
        on s.change_identity = loaded.change_identity
        and loaded.reason is null
        and loaded.is_new = 0
    where s.is_new = 1
        and s.reason is null
        and s.change_op in ('c', 'u', 'd', 'r', 't')
        and loaded.change_identity is null
),

-- A re-emission is the change that it repeats.
fresh as (
    select *
    from emitted
    where _copy = 1
),

truncates as (
    select epoch, kafka_partition, kafka_offset, kafka_timestamp, position, 1 as _is_fresh
    from fresh
    where change_op = 't'
    union all
    select epoch, kafka_partition, kafka_offset, changed_at as kafka_timestamp, position, 0 as _is_fresh
    from staging.dim_product_truncate
),

touched as (
    select product_id
    from fresh
    where change_op <> 't'
    union
    select product_id
    from staging.dim_product_tip
    where exists (select 1 from fresh where change_op = 't')
),

-- A key goes on from its tip where all its new changes stand after it; else its log is read.
late as (
    select distinct f.product_id
    from fresh as f
    inner join staging.dim_product_tip as tip on f.product_id = tip.product_id
    where f.change_op <> 't'
        and (
            f.epoch < tip._last_epoch
            or (f.epoch = tip._last_epoch and f.kafka_partition <> tip._last_partition)
            or (f.epoch = tip._last_epoch and f.kafka_offset <= tip._last_offset)
            or (f.epoch = tip._last_epoch and f.change_op <> 'r' and f.position <= tip._last_position)
        )
),

events as (
    select
        tip.product_id,
        1 as _is_seed,
        0 as _is_fresh,
        tip._last_epoch as epoch,
        tip._last_position as position,
        tip._last_partition as kafka_partition,
        tip._last_offset as kafka_offset,
        cast(null as timestamp) as streamed_at,
        case when tip._state = 'live' then 'u' else 'd' end as change_op,
        coalesce(tip._unknown, ',sku,product_name,description,brand,list_price,weight_kg,active,launched_on,category,subcategory,') as unavailable,
        tip.sku,
        tip.product_name,
        tip.description,
        tip.brand,
        tip.list_price,
        tip.weight_kg,
        tip.active,
        tip.launched_on,
        tip.category,
        tip.subcategory
    from staging.dim_product_tip as tip
    inner join touched as t on tip.product_id = t.product_id
    left join late on tip.product_id = late.product_id
    where late.product_id is null
    union all
    select
        l.product_id,
        0 as _is_seed,
        0 as _is_fresh,
        l.epoch,
        l.position,
        l.kafka_partition,
        l.kafka_offset,
        cast(null as timestamp) as streamed_at,
        l.change_op,
        l.unavailable,
        l.sku,
        l.product_name,
        l.description,
        l.brand,
        l.list_price,
        l.weight_kg,
        l.active,
        l.launched_on,
        l.category,
        l.subcategory
    from staging.dim_product_log as l
    inner join late on l.product_id = late.product_id
    union all
    select
        f.product_id,
        0 as _is_seed,
        1 as _is_fresh,
        f.epoch,
        f.position,
        f.kafka_partition,
        f.kafka_offset,
        f.kafka_timestamp as streamed_at,
        f.change_op,
        f.unavailable,
        f.sku,
        f.product_name,
        f.description,
        f.brand,
        f.list_price,
        f.weight_kg,
        f.active,
        f.launched_on,
        f.category,
        f.subcategory
    from fresh as f
    where f.change_op <> 't'
    union all
    select
        t.product_id,
        0 as _is_seed,
        r._is_fresh,
        r.epoch,
        r.position,
        r.kafka_partition,
        r.kafka_offset,
        r.kafka_timestamp as streamed_at,
        't' as change_op,
        ',sku,product_name,description,brand,list_price,weight_kg,active,launched_on,category,subcategory,' as unavailable,
        cast(null as varchar(64)) as sku,
        cast(null as varchar(400)) as product_name,
        cast(null as varchar(65535)) as description,
        cast(null as varchar(100)) as brand,
        cast(null as decimal(12,2)) as list_price,
        cast(null as decimal(10,3)) as weight_kg,
        cast(null as boolean) as active,
        cast(null as date) as launched_on,
        cast(null as varchar(100)) as category,
        cast(null as varchar(100)) as subcategory
    from touched as t
    cross join truncates as r
    left join staging.dim_product_tip as tip on t.product_id = tip.product_id
    left join late on t.product_id = late.product_id
    where tip._last_epoch is null
        or late.product_id is not null
        or r.epoch > tip._last_epoch
        or (r.epoch = tip._last_epoch and r.position > tip._last_position)
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
        case when _is_upsert = 1 and strpos(unavailable, ',product_name,') = 0 then 1 else 0 end as _known_product_name,
        case when _is_upsert = 1 and strpos(unavailable, ',description,') = 0 then 1 else 0 end as _known_description,
        case when _is_upsert = 1 and strpos(unavailable, ',brand,') = 0 then 1 else 0 end as _known_brand,
        case when _is_upsert = 1 and strpos(unavailable, ',list_price,') = 0 then 1 else 0 end as _known_list_price,
        case when _is_upsert = 1 and strpos(unavailable, ',weight_kg,') = 0 then 1 else 0 end as _known_weight_kg,
        case when _is_upsert = 1 and strpos(unavailable, ',active,') = 0 then 1 else 0 end as _known_active,
        case when _is_upsert = 1 and strpos(unavailable, ',launched_on,') = 0 then 1 else 0 end as _known_launched_on,
        case when _is_upsert = 1 and strpos(unavailable, ',category,') = 0 then 1 else 0 end as _known_category,
        case when _is_upsert = 1 and strpos(unavailable, ',subcategory,') = 0 then 1 else 0 end as _known_subcategory
    from following
),

runs as (
    select
        known.*,
        sum(_known_sku) over (partition by product_id order by _n rows unbounded preceding) as _run_sku,
        sum(_known_product_name) over (partition by product_id order by _n rows unbounded preceding) as _run_product_name,
        sum(_known_description) over (partition by product_id order by _n rows unbounded preceding) as _run_description,
        sum(_known_brand) over (partition by product_id order by _n rows unbounded preceding) as _run_brand,
        sum(_known_list_price) over (partition by product_id order by _n rows unbounded preceding) as _run_list_price,
        sum(_known_weight_kg) over (partition by product_id order by _n rows unbounded preceding) as _run_weight_kg,
        sum(_known_active) over (partition by product_id order by _n rows unbounded preceding) as _run_active,
        sum(_known_launched_on) over (partition by product_id order by _n rows unbounded preceding) as _run_launched_on,
        sum(_known_category) over (partition by product_id order by _n rows unbounded preceding) as _run_category,
        sum(_known_subcategory) over (partition by product_id order by _n rows unbounded preceding) as _run_subcategory
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
        max(case when _known_product_name = 1 then product_name end) over (partition by product_id, _run_product_name) as product_name,
        max(case when _known_description = 1 then description end) over (partition by product_id, _run_description) as description,
        max(case when _known_brand = 1 then brand end) over (partition by product_id, _run_brand) as brand,
        max(case when _known_list_price = 1 then list_price end) over (partition by product_id, _run_list_price) as list_price,
        max(case when _known_weight_kg = 1 then weight_kg end) over (partition by product_id, _run_weight_kg) as weight_kg,
        max(case when _known_launched_on = 1 then launched_on end) over (partition by product_id, _run_launched_on) as launched_on,
        max(case when _known_category = 1 then category end) over (partition by product_id, _run_category) as category,
        max(case when _known_subcategory = 1 then subcategory end) over (partition by product_id, _run_subcategory) as subcategory,
        cast(max(case when _known_active = 1 then cast(active as integer) end) over (partition by product_id, _run_active) as boolean) as active,
        max(case when _known_sku = 1 then _is_fresh end) over (partition by product_id, _run_sku) as _fresh_sku,
        max(case when _known_product_name = 1 then _is_fresh end) over (partition by product_id, _run_product_name) as _fresh_product_name,
        max(case when _known_description = 1 then _is_fresh end) over (partition by product_id, _run_description) as _fresh_description,
        max(case when _known_brand = 1 then _is_fresh end) over (partition by product_id, _run_brand) as _fresh_brand,
        max(case when _known_list_price = 1 then _is_fresh end) over (partition by product_id, _run_list_price) as _fresh_list_price,
        max(case when _known_weight_kg = 1 then _is_fresh end) over (partition by product_id, _run_weight_kg) as _fresh_weight_kg,
        max(case when _known_active = 1 then _is_fresh end) over (partition by product_id, _run_active) as _fresh_active,
        max(case when _known_launched_on = 1 then _is_fresh end) over (partition by product_id, _run_launched_on) as _fresh_launched_on,
        max(case when _known_category = 1 then _is_fresh end) over (partition by product_id, _run_category) as _fresh_category,
        max(case when _known_subcategory = 1 then _is_fresh end) over (partition by product_id, _run_subcategory) as _fresh_subcategory
    from runs
),

present as (
    select
        product_sk,
        product_id,
        sku,
        product_name,
        description,
        brand,
        list_price,
        weight_kg,
        active,
        launched_on,
        category,
        subcategory,
        effective_from,
        effective_to,
        is_current,
        is_deleted,
        is_inferred,
        is_incomplete,
        version_identity
    from analytics.dim_product
    where is_current = true and is_deleted = false and is_inferred = false and product_sk <> -1
)

select
    p.product_sk,
    p.product_id,
    p.sku,
    p.product_name,
    p.description,
    p.brand,
    p.list_price,
    p.weight_kg,
    p.active,
    p.launched_on,
    p.category,
    p.subcategory,
    p.is_incomplete,
    false as is_streamed,
    cast(null as timestamp) as streamed_at
from present as p
left join touched as t on p.product_id = t.product_id
where t.product_id is null
union all
select
    p.product_sk,
    f.product_id,
    f.sku,
    f.product_name,
    f.description,
    f.brand,
    f.list_price,
    f.weight_kg,
    f.active,
    f.launched_on,
    f.category,
    f.subcategory,
    case
        when
            1 = 0
            or f._fresh_sku is null
            or f._fresh_product_name is null
            or f._fresh_description is null
            or f._fresh_brand is null
            or f._fresh_list_price is null
            or f._fresh_weight_kg is null
            or f._fresh_active is null
            or f._fresh_launched_on is null
            or f._fresh_category is null
            or f._fresh_subcategory is null
            then true
        else false
    end as is_incomplete,
    case when f._is_seed = 1 then false else true end as is_streamed,
    f.streamed_at
from filled as f
left join present as p on f.product_id = p.product_id
where f._from_last = 1 and f.change_op in ('c', 'u', 'r')
with no schema binding;
