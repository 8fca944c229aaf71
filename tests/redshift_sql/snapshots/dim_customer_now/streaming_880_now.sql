-- dim_customer as it is now: the newest load's rows, and over them the stream's changes that no load has.
-- grain: one row per key that is there
create view analytics.dim_customer_now as
with emitted as (
    select
        s.customer_id as customer_id,
        s.epoch,
        s.kafka_partition,
        s.kafka_offset,
        s.kafka_timestamp,
        s.change_op,
        s.position,
        ','
        || case when strpos(s.unavailable, ',full_name,') > 0 then 'full_name,' else '' end
        || case when strpos(s.unavailable, ',email,') > 0 then 'email,' else '' end
        || case when strpos(s.unavailable, ',phone,') > 0 then 'phone,' else '' end
        || case when strpos(s.unavailable, ',address_line,') > 0 then 'address_line,' else '' end
        || case when strpos(s.unavailable, ',city,') > 0 then 'city,' else '' end
        || case when strpos(s.unavailable, ',postal_code,') > 0 then 'postal_code,' else '' end
        || case when strpos(s.unavailable, ',country,') > 0 then 'country,' else '' end
        || case when strpos(s.unavailable, ',birth_date,') > 0 then 'birth_date,' else '' end
        || case when strpos(s.unavailable, ',marketing_opt_in,') > 0 then 'marketing_opt_in,' else '' end
        || case when strpos(s.unavailable, ',gender,') > 0 then 'gender,' else '' end
        || case when strpos(s.unavailable, ',segment,') > 0 then 'segment,' else '' end
        || case when strpos(s.unavailable, ',marital_status,') > 0 then 'marital_status,' else '' end
        || case when strpos(s.unavailable, ',income_band,') > 0 then 'income_band,' else '' end as unavailable,
        row_number() over (
            partition by coalesce(s.change_identity, cast(s.kafka_partition as varchar) || '/' || cast(s.kafka_offset as varchar))
            order by s.kafka_partition, s.kafka_offset
        ) as _copy,
        s.full_name as full_name,
        s.email as email,
        s.phone as phone,
        s.address_line as address_line,
        s.city as city,
        s.postal_code as postal_code,
        s.country as country,
        s.birth_date as birth_date,
        s.marketing_opt_in as marketing_opt_in,
        s.gender as gender,
        s.segment as segment,
        s.marital_status as marital_status,
        s.income_band as income_band
    from staging.customer_stream as s
    left join staging.customer_stream as loaded
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
    from staging.dim_customer_truncate
),

touched as (
    select customer_id
    from fresh
    where change_op <> 't'
    union
    select customer_id
    from staging.dim_customer_tip
    where exists (select 1 from fresh where change_op = 't')
),

-- A key goes on from its tip where all its new changes stand after it; else its log is read.
late as (
    select distinct f.customer_id
    from fresh as f
    inner join staging.dim_customer_tip as tip on f.customer_id = tip.customer_id
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
        tip.customer_id,
        1 as _is_seed,
        0 as _is_fresh,
        tip._last_epoch as epoch,
        tip._last_position as position,
        tip._last_partition as kafka_partition,
        tip._last_offset as kafka_offset,
        cast(null as timestamp) as streamed_at,
        case when tip._state = 'live' then 'u' else 'd' end as change_op,
        coalesce(tip._unknown, ',full_name,email,phone,address_line,city,postal_code,country,birth_date,marketing_opt_in,gender,segment,marital_status,income_band,') as unavailable,
        tip.full_name,
        tip.email,
        tip.phone,
        tip.address_line,
        tip.city,
        tip.postal_code,
        tip.country,
        tip.birth_date,
        tip.marketing_opt_in,
        tip.gender,
        tip.segment,
        tip.marital_status,
        tip.income_band
    from staging.dim_customer_tip as tip
    inner join touched as t on tip.customer_id = t.customer_id
    left join late on tip.customer_id = late.customer_id
    where late.customer_id is null
    union all
    select
        l.customer_id,
        0 as _is_seed,
        0 as _is_fresh,
        l.epoch,
        l.position,
        l.kafka_partition,
        l.kafka_offset,
        cast(null as timestamp) as streamed_at,
        l.change_op,
        l.unavailable,
        l.full_name,
        l.email,
        l.phone,
        l.address_line,
        l.city,
        l.postal_code,
        l.country,
        l.birth_date,
        l.marketing_opt_in,
        l.gender,
        l.segment,
        l.marital_status,
        l.income_band
    from staging.dim_customer_log as l
    inner join late on l.customer_id = late.customer_id
    union all
    select
        f.customer_id,
        0 as _is_seed,
        1 as _is_fresh,
        f.epoch,
        f.position,
        f.kafka_partition,
        f.kafka_offset,
        f.kafka_timestamp as streamed_at,
        f.change_op,
        f.unavailable,
        f.full_name,
        f.email,
        f.phone,
        f.address_line,
        f.city,
        f.postal_code,
        f.country,
        f.birth_date,
        f.marketing_opt_in,
        f.gender,
        f.segment,
        f.marital_status,
        f.income_band
    from fresh as f
    where f.change_op <> 't'
    union all
    select
        t.customer_id,
        0 as _is_seed,
        r._is_fresh,
        r.epoch,
        r.position,
        r.kafka_partition,
        r.kafka_offset,
        r.kafka_timestamp as streamed_at,
        't' as change_op,
        ',full_name,email,phone,address_line,city,postal_code,country,birth_date,marketing_opt_in,gender,segment,marital_status,income_band,' as unavailable,
        cast(null as varchar(400)) as full_name,
        cast(null as varchar(320)) as email,
        cast(null as varchar(64)) as phone,
        cast(null as varchar(400)) as address_line,
        cast(null as varchar(200)) as city,
        cast(null as varchar(32)) as postal_code,
        cast(null as varchar(2)) as country,
        cast(null as date) as birth_date,
        cast(null as boolean) as marketing_opt_in,
        cast(null as varchar(32)) as gender,
        cast(null as varchar(32)) as segment,
        cast(null as varchar(32)) as marital_status,
        cast(null as varchar(32)) as income_band
    from touched as t
    cross join truncates as r
    left join staging.dim_customer_tip as tip on t.customer_id = tip.customer_id
    left join late on t.customer_id = late.customer_id
    where tip._last_epoch is null
        or late.customer_id is not null
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
                    partition by customer_id, epoch, kafka_partition
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
            partition by customer_id
            order by _is_seed desc, epoch, _position, kafka_partition, kafka_offset
        ) as _n,
        row_number() over (
            partition by customer_id
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
        case when _is_upsert = 1 and strpos(unavailable, ',full_name,') = 0 then 1 else 0 end as _known_full_name,
        case when _is_upsert = 1 and strpos(unavailable, ',email,') = 0 then 1 else 0 end as _known_email,
        case when _is_upsert = 1 and strpos(unavailable, ',phone,') = 0 then 1 else 0 end as _known_phone,
        case when _is_upsert = 1 and strpos(unavailable, ',address_line,') = 0 then 1 else 0 end as _known_address_line,
        case when _is_upsert = 1 and strpos(unavailable, ',city,') = 0 then 1 else 0 end as _known_city,
        case when _is_upsert = 1 and strpos(unavailable, ',postal_code,') = 0 then 1 else 0 end as _known_postal_code,
        case when _is_upsert = 1 and strpos(unavailable, ',country,') = 0 then 1 else 0 end as _known_country,
        case when _is_upsert = 1 and strpos(unavailable, ',birth_date,') = 0 then 1 else 0 end as _known_birth_date,
        case when _is_upsert = 1 and strpos(unavailable, ',marketing_opt_in,') = 0 then 1 else 0 end as _known_marketing_opt_in,
        case when _is_upsert = 1 and strpos(unavailable, ',gender,') = 0 then 1 else 0 end as _known_gender,
        case when _is_upsert = 1 and strpos(unavailable, ',segment,') = 0 then 1 else 0 end as _known_segment,
        case when _is_upsert = 1 and strpos(unavailable, ',marital_status,') = 0 then 1 else 0 end as _known_marital_status,
        case when _is_upsert = 1 and strpos(unavailable, ',income_band,') = 0 then 1 else 0 end as _known_income_band
    from following
),

runs as (
    select
        known.*,
        sum(_known_full_name) over (partition by customer_id order by _n rows unbounded preceding) as _run_full_name,
        sum(_known_email) over (partition by customer_id order by _n rows unbounded preceding) as _run_email,
        sum(_known_phone) over (partition by customer_id order by _n rows unbounded preceding) as _run_phone,
        sum(_known_address_line) over (partition by customer_id order by _n rows unbounded preceding) as _run_address_line,
        sum(_known_city) over (partition by customer_id order by _n rows unbounded preceding) as _run_city,
        sum(_known_postal_code) over (partition by customer_id order by _n rows unbounded preceding) as _run_postal_code,
        sum(_known_country) over (partition by customer_id order by _n rows unbounded preceding) as _run_country,
        sum(_known_birth_date) over (partition by customer_id order by _n rows unbounded preceding) as _run_birth_date,
        sum(_known_marketing_opt_in) over (partition by customer_id order by _n rows unbounded preceding) as _run_marketing_opt_in,
        sum(_known_gender) over (partition by customer_id order by _n rows unbounded preceding) as _run_gender,
        sum(_known_segment) over (partition by customer_id order by _n rows unbounded preceding) as _run_segment,
        sum(_known_marital_status) over (partition by customer_id order by _n rows unbounded preceding) as _run_marital_status,
        sum(_known_income_band) over (partition by customer_id order by _n rows unbounded preceding) as _run_income_band
    from known
),

filled as (
    select
        customer_id,
        _from_last,
        _is_seed,
        _is_fresh,
        change_op,
        streamed_at,
        max(case when _known_full_name = 1 then full_name end) over (partition by customer_id, _run_full_name) as full_name,
        max(case when _known_email = 1 then email end) over (partition by customer_id, _run_email) as email,
        max(case when _known_phone = 1 then phone end) over (partition by customer_id, _run_phone) as phone,
        max(case when _known_address_line = 1 then address_line end) over (partition by customer_id, _run_address_line) as address_line,
        max(case when _known_city = 1 then city end) over (partition by customer_id, _run_city) as city,
        max(case when _known_postal_code = 1 then postal_code end) over (partition by customer_id, _run_postal_code) as postal_code,
        max(case when _known_country = 1 then country end) over (partition by customer_id, _run_country) as country,
        max(case when _known_birth_date = 1 then birth_date end) over (partition by customer_id, _run_birth_date) as birth_date,
        max(case when _known_gender = 1 then gender end) over (partition by customer_id, _run_gender) as gender,
        max(case when _known_segment = 1 then segment end) over (partition by customer_id, _run_segment) as segment,
        max(case when _known_marital_status = 1 then marital_status end) over (partition by customer_id, _run_marital_status) as marital_status,
        max(case when _known_income_band = 1 then income_band end) over (partition by customer_id, _run_income_band) as income_band,
        cast(max(case when _known_marketing_opt_in = 1 then cast(marketing_opt_in as integer) end) over (partition by customer_id, _run_marketing_opt_in) as boolean) as marketing_opt_in,
        max(case when _known_full_name = 1 then _is_fresh end) over (partition by customer_id, _run_full_name) as _fresh_full_name,
        max(case when _known_email = 1 then _is_fresh end) over (partition by customer_id, _run_email) as _fresh_email,
        max(case when _known_phone = 1 then _is_fresh end) over (partition by customer_id, _run_phone) as _fresh_phone,
        max(case when _known_address_line = 1 then _is_fresh end) over (partition by customer_id, _run_address_line) as _fresh_address_line,
        max(case when _known_city = 1 then _is_fresh end) over (partition by customer_id, _run_city) as _fresh_city,
        max(case when _known_postal_code = 1 then _is_fresh end) over (partition by customer_id, _run_postal_code) as _fresh_postal_code,
        max(case when _known_country = 1 then _is_fresh end) over (partition by customer_id, _run_country) as _fresh_country,
        max(case when _known_birth_date = 1 then _is_fresh end) over (partition by customer_id, _run_birth_date) as _fresh_birth_date,
        max(case when _known_marketing_opt_in = 1 then _is_fresh end) over (partition by customer_id, _run_marketing_opt_in) as _fresh_marketing_opt_in,
        max(case when _known_gender = 1 then _is_fresh end) over (partition by customer_id, _run_gender) as _fresh_gender,
        max(case when _known_segment = 1 then _is_fresh end) over (partition by customer_id, _run_segment) as _fresh_segment,
        max(case when _known_marital_status = 1 then _is_fresh end) over (partition by customer_id, _run_marital_status) as _fresh_marital_status,
        max(case when _known_income_band = 1 then _is_fresh end) over (partition by customer_id, _run_income_band) as _fresh_income_band
    from runs
),

present as (
    select
        customer_sk,
        customer_id,
        full_name,
        email,
        phone,
        address_line,
        city,
        postal_code,
        country,
        birth_date,
        marketing_opt_in,
        gender,
        segment,
        marital_status,
        income_band,
        effective_from,
        effective_to,
        is_current,
        is_deleted,
        is_inferred,
        is_incomplete,
        version_identity
    from analytics.dim_customer
    where is_current = true and is_deleted = false and is_inferred = false and customer_sk <> -1
)

select
    p.customer_sk,
    p.customer_id,
    p.full_name,
    p.email,
    p.phone,
    p.address_line,
    p.city,
    p.postal_code,
    p.country,
    p.birth_date,
    p.marketing_opt_in,
    p.gender,
    p.segment,
    p.marital_status,
    p.income_band,
    p.is_incomplete,
    false as is_streamed,
    cast(null as timestamp) as streamed_at
from present as p
left join touched as t on p.customer_id = t.customer_id
where t.customer_id is null
union all
select
    p.customer_sk,
    f.customer_id,
    f.full_name,
    f.email,
    f.phone,
    f.address_line,
    f.city,
    f.postal_code,
    f.country,
    f.birth_date,
    f.marketing_opt_in,
    f.gender,
    f.segment,
    f.marital_status,
    f.income_band,
    case
        when
            1 = 0
            or f._fresh_full_name is null
            or f._fresh_email is null
            or f._fresh_phone is null
            or f._fresh_address_line is null
            or f._fresh_city is null
            or f._fresh_postal_code is null
            or f._fresh_country is null
            or f._fresh_birth_date is null
            or f._fresh_marketing_opt_in is null
            or f._fresh_gender is null
            or f._fresh_segment is null
            or f._fresh_marital_status is null
            or f._fresh_income_band is null
            then true
        else false
    end as is_incomplete,
    case when f._is_seed = 1 then false else true end as is_streamed,
    f.streamed_at
from filled as f
left join present as p on f.customer_id = p.customer_id
where f._from_last = 1 and f.change_op in ('c', 'u', 'r')
with no schema binding;
