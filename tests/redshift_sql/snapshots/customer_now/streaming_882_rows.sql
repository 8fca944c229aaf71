-- The rows that customer has now: those of the mirror, and over them the stream's changes that no load has.
-- grain: one row per row of the source table
create view staging.customer_now as
with changes as (
    select
        s.customer_id,
        s.customer_uuid,
        s.full_name,
        s.email,
        s.phone,
        s.address_line,
        s.city,
        s.postal_code,
        s.country,
        s.birth_date,
        s.gender,
        s.segment,
        s.marital_status,
        s.income_band,
        s.marketing_opt_in,
        s.preferences,
        s.created_at,
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
    from staging.customer_stream as s
    where s.reason is null and s.change_op in ('c', 'u', 'd', 'r', 't')
),

touched as (
    select customer_id
    from changes
    where is_new = 1 and change_op <> 't'
    union
    select customer_id
    from staging.customer
    where exists (select 1 from changes where is_new = 1 and change_op = 't')
),

-- The mirror does not say where its rows stand in the log. So loaded changes, as long as the stream keeps them, are put
-- in order with the new ones. A re-emission is the change that it repeats.
emitted as (
    select
        c.*,
        min(c.is_new) over (partition by c.customer_id, c._identity) as _is_fresh,
        row_number() over (partition by c.customer_id, c._identity order by c.kafka_partition, c.kafka_offset) as _copy
    from changes as c
    inner join touched as t on c.customer_id = t.customer_id
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
        e.customer_id,
        0 as _is_seed,
        e._is_fresh,
        e.epoch,
        e.position,
        e.kafka_partition,
        e.kafka_offset,
        case when e._is_fresh = 1 then e.kafka_timestamp end as streamed_at,
        e.change_op,
        e.unavailable,
        e.customer_uuid,
        e.full_name,
        e.email,
        e.phone,
        e.address_line,
        e.city,
        e.postal_code,
        e.country,
        e.birth_date,
        e.gender,
        e.segment,
        e.marital_status,
        e.income_band,
        e.marketing_opt_in,
        e.preferences,
        e.created_at,
        e.updated_at
    from emitted as e
    where e._copy = 1
    union all
    select
        t.customer_id,
        0 as _is_seed,
        r._is_fresh,
        r.epoch,
        r.position,
        r.kafka_partition,
        r.kafka_offset,
        case when r._is_fresh = 1 then r.kafka_timestamp end as streamed_at,
        't' as change_op,
        '' as unavailable,
        cast(null as varchar(36)) as customer_uuid,
        cast(null as varchar(400)) as full_name,
        cast(null as varchar(320)) as email,
        cast(null as varchar(64)) as phone,
        cast(null as varchar(400)) as address_line,
        cast(null as varchar(200)) as city,
        cast(null as varchar(32)) as postal_code,
        cast(null as varchar(2)) as country,
        cast(null as date) as birth_date,
        cast(null as varchar(32)) as gender,
        cast(null as varchar(32)) as segment,
        cast(null as varchar(32)) as marital_status,
        cast(null as varchar(32)) as income_band,
        cast(null as boolean) as marketing_opt_in,
        cast(null as varchar(65535)) as preferences,
        cast(null as timestamp) as created_at,
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
        case when _is_upsert = 1 and strpos(unavailable, ',customer_uuid,') = 0 then 1 else 0 end as _known_customer_uuid,
        case when _is_upsert = 1 and strpos(unavailable, ',full_name,') = 0 then 1 else 0 end as _known_full_name,
        case when _is_upsert = 1 and strpos(unavailable, ',email,') = 0 then 1 else 0 end as _known_email,
        case when _is_upsert = 1 and strpos(unavailable, ',phone,') = 0 then 1 else 0 end as _known_phone,
        case when _is_upsert = 1 and strpos(unavailable, ',address_line,') = 0 then 1 else 0 end as _known_address_line,
        case when _is_upsert = 1 and strpos(unavailable, ',city,') = 0 then 1 else 0 end as _known_city,
        case when _is_upsert = 1 and strpos(unavailable, ',postal_code,') = 0 then 1 else 0 end as _known_postal_code,
        case when _is_upsert = 1 and strpos(unavailable, ',country,') = 0 then 1 else 0 end as _known_country,
        case when _is_upsert = 1 and strpos(unavailable, ',birth_date,') = 0 then 1 else 0 end as _known_birth_date,
        case when _is_upsert = 1 and strpos(unavailable, ',gender,') = 0 then 1 else 0 end as _known_gender,
        case when _is_upsert = 1 and strpos(unavailable, ',segment,') = 0 then 1 else 0 end as _known_segment,
        case when _is_upsert = 1 and strpos(unavailable, ',marital_status,') = 0 then 1 else 0 end as _known_marital_status,
        case when _is_upsert = 1 and strpos(unavailable, ',income_band,') = 0 then 1 else 0 end as _known_income_band,
        case when _is_upsert = 1 and strpos(unavailable, ',marketing_opt_in,') = 0 then 1 else 0 end as _known_marketing_opt_in,
        case when _is_upsert = 1 and strpos(unavailable, ',preferences,') = 0 then 1 else 0 end as _known_preferences,
        case when _is_upsert = 1 and strpos(unavailable, ',created_at,') = 0 then 1 else 0 end as _known_created_at,
        case when _is_upsert = 1 and strpos(unavailable, ',updated_at,') = 0 then 1 else 0 end as _known_updated_at
    from following
),

runs as (
    select
        known.*,
        sum(_known_customer_uuid) over (partition by customer_id order by _n rows unbounded preceding) as _run_customer_uuid,
        sum(_known_full_name) over (partition by customer_id order by _n rows unbounded preceding) as _run_full_name,
        sum(_known_email) over (partition by customer_id order by _n rows unbounded preceding) as _run_email,
        sum(_known_phone) over (partition by customer_id order by _n rows unbounded preceding) as _run_phone,
        sum(_known_address_line) over (partition by customer_id order by _n rows unbounded preceding) as _run_address_line,
        sum(_known_city) over (partition by customer_id order by _n rows unbounded preceding) as _run_city,
        sum(_known_postal_code) over (partition by customer_id order by _n rows unbounded preceding) as _run_postal_code,
        sum(_known_country) over (partition by customer_id order by _n rows unbounded preceding) as _run_country,
        sum(_known_birth_date) over (partition by customer_id order by _n rows unbounded preceding) as _run_birth_date,
        sum(_known_gender) over (partition by customer_id order by _n rows unbounded preceding) as _run_gender,
        sum(_known_segment) over (partition by customer_id order by _n rows unbounded preceding) as _run_segment,
        sum(_known_marital_status) over (partition by customer_id order by _n rows unbounded preceding) as _run_marital_status,
        sum(_known_income_band) over (partition by customer_id order by _n rows unbounded preceding) as _run_income_band,
        sum(_known_marketing_opt_in) over (partition by customer_id order by _n rows unbounded preceding) as _run_marketing_opt_in,
        sum(_known_preferences) over (partition by customer_id order by _n rows unbounded preceding) as _run_preferences,
        sum(_known_created_at) over (partition by customer_id order by _n rows unbounded preceding) as _run_created_at,
        sum(_known_updated_at) over (partition by customer_id order by _n rows unbounded preceding) as _run_updated_at
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
        max(case when _known_customer_uuid = 1 then customer_uuid end) over (partition by customer_id, _run_customer_uuid) as customer_uuid,
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
        max(case when _known_preferences = 1 then preferences end) over (partition by customer_id, _run_preferences) as preferences,
        max(case when _known_created_at = 1 then created_at end) over (partition by customer_id, _run_created_at) as created_at,
        max(case when _known_updated_at = 1 then updated_at end) over (partition by customer_id, _run_updated_at) as updated_at,
        cast(max(case when _known_marketing_opt_in = 1 then cast(marketing_opt_in as integer) end) over (partition by customer_id, _run_marketing_opt_in) as boolean) as marketing_opt_in,
        max(case when _known_customer_uuid = 1 then _is_fresh end) over (partition by customer_id, _run_customer_uuid) as _fresh_customer_uuid,
        max(case when _known_full_name = 1 then _is_fresh end) over (partition by customer_id, _run_full_name) as _fresh_full_name,
        max(case when _known_email = 1 then _is_fresh end) over (partition by customer_id, _run_email) as _fresh_email,
        max(case when _known_phone = 1 then _is_fresh end) over (partition by customer_id, _run_phone) as _fresh_phone,
        max(case when _known_address_line = 1 then _is_fresh end) over (partition by customer_id, _run_address_line) as _fresh_address_line,
        max(case when _known_city = 1 then _is_fresh end) over (partition by customer_id, _run_city) as _fresh_city,
        max(case when _known_postal_code = 1 then _is_fresh end) over (partition by customer_id, _run_postal_code) as _fresh_postal_code,
        max(case when _known_country = 1 then _is_fresh end) over (partition by customer_id, _run_country) as _fresh_country,
        max(case when _known_birth_date = 1 then _is_fresh end) over (partition by customer_id, _run_birth_date) as _fresh_birth_date,
        max(case when _known_gender = 1 then _is_fresh end) over (partition by customer_id, _run_gender) as _fresh_gender,
        max(case when _known_segment = 1 then _is_fresh end) over (partition by customer_id, _run_segment) as _fresh_segment,
        max(case when _known_marital_status = 1 then _is_fresh end) over (partition by customer_id, _run_marital_status) as _fresh_marital_status,
        max(case when _known_income_band = 1 then _is_fresh end) over (partition by customer_id, _run_income_band) as _fresh_income_band,
        max(case when _known_marketing_opt_in = 1 then _is_fresh end) over (partition by customer_id, _run_marketing_opt_in) as _fresh_marketing_opt_in,
        max(case when _known_preferences = 1 then _is_fresh end) over (partition by customer_id, _run_preferences) as _fresh_preferences,
        max(case when _known_created_at = 1 then _is_fresh end) over (partition by customer_id, _run_created_at) as _fresh_created_at,
        max(case when _known_updated_at = 1 then _is_fresh end) over (partition by customer_id, _run_updated_at) as _fresh_updated_at
    from runs
),

-- Where a key's last change is loaded, the mirror says whether the row is there; what no new change gave is the mirror's.
present as (
    select
        f.customer_id,
        case when f._fresh_customer_uuid = 1 or m.customer_id is null then f.customer_uuid else m.customer_uuid end as customer_uuid,
        case when f._fresh_full_name = 1 or m.customer_id is null then f.full_name else m.full_name end as full_name,
        case when f._fresh_email = 1 or m.customer_id is null then f.email else m.email end as email,
        case when f._fresh_phone = 1 or m.customer_id is null then f.phone else m.phone end as phone,
        case when f._fresh_address_line = 1 or m.customer_id is null then f.address_line else m.address_line end as address_line,
        case when f._fresh_city = 1 or m.customer_id is null then f.city else m.city end as city,
        case when f._fresh_postal_code = 1 or m.customer_id is null then f.postal_code else m.postal_code end as postal_code,
        case when f._fresh_country = 1 or m.customer_id is null then f.country else m.country end as country,
        case when f._fresh_birth_date = 1 or m.customer_id is null then f.birth_date else m.birth_date end as birth_date,
        case when f._fresh_gender = 1 or m.customer_id is null then f.gender else m.gender end as gender,
        case when f._fresh_segment = 1 or m.customer_id is null then f.segment else m.segment end as segment,
        case when f._fresh_marital_status = 1 or m.customer_id is null then f.marital_status else m.marital_status end as marital_status,
        case when f._fresh_income_band = 1 or m.customer_id is null then f.income_band else m.income_band end as income_band,
        case when f._fresh_marketing_opt_in = 1 or m.customer_id is null then f.marketing_opt_in else m.marketing_opt_in end as marketing_opt_in,
        case when f._fresh_preferences = 1 or m.customer_id is null then f.preferences else m.preferences end as preferences,
        case when f._fresh_created_at = 1 or m.customer_id is null then f.created_at else m.created_at end as created_at,
        case when f._fresh_updated_at = 1 or m.customer_id is null then f.updated_at else m.updated_at end as updated_at,
        case
            when
                f._is_fresh = 1
                or f._fresh_customer_uuid = 1
                or f._fresh_full_name = 1
                or f._fresh_email = 1
                or f._fresh_phone = 1
                or f._fresh_address_line = 1
                or f._fresh_city = 1
                or f._fresh_postal_code = 1
                or f._fresh_country = 1
                or f._fresh_birth_date = 1
                or f._fresh_gender = 1
                or f._fresh_segment = 1
                or f._fresh_marital_status = 1
                or f._fresh_income_band = 1
                or f._fresh_marketing_opt_in = 1
                or f._fresh_preferences = 1
                or f._fresh_created_at = 1
                or f._fresh_updated_at = 1
                then true
            else false
        end as is_streamed,
        f.streamed_at
    from filled as f
    left join staging.customer as m on f.customer_id = m.customer_id
    where f._from_last = 1
        and (
            (f._is_fresh = 1 and f.change_op in ('c', 'u', 'r'))
            or (f._is_fresh = 0 and m.customer_id is not null)
        )
)

select
    m.customer_id,
    m.customer_uuid,
    m.full_name,
    m.email,
    m.phone,
    m.address_line,
    m.city,
    m.postal_code,
    m.country,
    m.birth_date,
    m.gender,
    m.segment,
    m.marital_status,
    m.income_band,
    m.marketing_opt_in,
    m.preferences,
    m.created_at,
    m.updated_at,
    false as is_streamed,
    cast(null as timestamp) as streamed_at
from staging.customer as m
left join touched as t on m.customer_id = t.customer_id
where t.customer_id is null
union all
select
    p.customer_id,
    p.customer_uuid,
    p.full_name,
    p.email,
    p.phone,
    p.address_line,
    p.city,
    p.postal_code,
    p.country,
    p.birth_date,
    p.gender,
    p.segment,
    p.marital_status,
    p.income_band,
    p.marketing_opt_in,
    p.preferences,
    p.created_at,
    p.updated_at,
    p.is_streamed,
    p.streamed_at
from present as p
with no schema binding;
