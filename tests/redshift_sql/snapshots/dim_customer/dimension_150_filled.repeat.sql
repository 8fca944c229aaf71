-- Unavailable values are those of the key's upsert before, across a key change of the old key's; unknown if none has one.
-- Repeated until no row is updated, so that values run along chains of key changes.

drop table if exists dim_customer_filled;

-- grain: one row per upsert with unavailable values
create temp table dim_customer_filled as
with holed as (
    select distinct customer_id
    from dim_customer_changes
    where unavailable <> ''
),

upserts as (
    select
        c.customer_id,
        c._n,
        c._place,
        c.change_identity,
        c.unavailable,
        c.old_customer_id,
        case when c.old_customer_id is not null and c.unavailable <> '' and c._is_seed = 0 then 1 else 0 end as _is_moved
    from dim_customer_changes as c
    inner join holed as h on c.customer_id = h.customer_id
    where c.change_op in ('c', 'u', 'r') or c._is_seed = 1
),

-- grain: one row per key change and earlier upsert of the old key; the last one is first
donors as (
    select
        moved.customer_id as _moved_customer_id,
        moved._n as _moved_n,
        donor.customer_id,
        donor.change_identity,
        row_number() over (partition by moved.customer_id, moved._n order by donor._place desc) as _nearness
    from upserts as moved
    inner join dim_customer_changes as donor
        on moved.old_customer_id = donor.customer_id
        and donor.change_op in ('c', 'u', 'r')
        and donor._place < moved._place
    where moved._is_moved = 1
),

known as (
    select
        u.customer_id,
        u._n,
        u.change_identity,
        u.unavailable,
        case when strpos(u.unavailable, ',full_name,') = 0 then own.full_name else given.full_name end as full_name,
        case when strpos(u.unavailable, ',email,') = 0 then own.email else given.email end as email,
        case when strpos(u.unavailable, ',phone,') = 0 then own.phone else given.phone end as phone,
        case when strpos(u.unavailable, ',address_line,') = 0 then own.address_line else given.address_line end as address_line,
        case when strpos(u.unavailable, ',city,') = 0 then own.city else given.city end as city,
        case when strpos(u.unavailable, ',postal_code,') = 0 then own.postal_code else given.postal_code end as postal_code,
        case when strpos(u.unavailable, ',country,') = 0 then own.country else given.country end as country,
        case when strpos(u.unavailable, ',birth_date,') = 0 then own.birth_date else given.birth_date end as birth_date,
        case when strpos(u.unavailable, ',marketing_opt_in,') = 0 then own.marketing_opt_in else given.marketing_opt_in end as marketing_opt_in,
        case when strpos(u.unavailable, ',gender,') = 0 then own.gender else given.gender end as gender,
        case when strpos(u.unavailable, ',segment,') = 0 then own.segment else given.segment end as segment,
        case when strpos(u.unavailable, ',marital_status,') = 0 then own.marital_status else given.marital_status end as marital_status,
        case when strpos(u.unavailable, ',income_band,') = 0 then own.income_band else given.income_band end as income_band,
        case when strpos(u.unavailable, ',full_name,') = 0 or strpos(given._unknown, ',full_name,') = 0 then 1 else 0 end as _known_full_name,
        case when strpos(u.unavailable, ',email,') = 0 or strpos(given._unknown, ',email,') = 0 then 1 else 0 end as _known_email,
        case when strpos(u.unavailable, ',phone,') = 0 or strpos(given._unknown, ',phone,') = 0 then 1 else 0 end as _known_phone,
        case when strpos(u.unavailable, ',address_line,') = 0 or strpos(given._unknown, ',address_line,') = 0 then 1 else 0 end as _known_address_line,
        case when strpos(u.unavailable, ',city,') = 0 or strpos(given._unknown, ',city,') = 0 then 1 else 0 end as _known_city,
        case when strpos(u.unavailable, ',postal_code,') = 0 or strpos(given._unknown, ',postal_code,') = 0 then 1 else 0 end as _known_postal_code,
        case when strpos(u.unavailable, ',country,') = 0 or strpos(given._unknown, ',country,') = 0 then 1 else 0 end as _known_country,
        case when strpos(u.unavailable, ',birth_date,') = 0 or strpos(given._unknown, ',birth_date,') = 0 then 1 else 0 end as _known_birth_date,
        case when strpos(u.unavailable, ',marketing_opt_in,') = 0 or strpos(given._unknown, ',marketing_opt_in,') = 0 then 1 else 0 end as _known_marketing_opt_in,
        case when strpos(u.unavailable, ',gender,') = 0 or strpos(given._unknown, ',gender,') = 0 then 1 else 0 end as _known_gender,
        case when strpos(u.unavailable, ',segment,') = 0 or strpos(given._unknown, ',segment,') = 0 then 1 else 0 end as _known_segment,
        case when strpos(u.unavailable, ',marital_status,') = 0 or strpos(given._unknown, ',marital_status,') = 0 then 1 else 0 end as _known_marital_status,
        case when strpos(u.unavailable, ',income_band,') = 0 or strpos(given._unknown, ',income_band,') = 0 then 1 else 0 end as _known_income_band,
        sum(case when strpos(u.unavailable, ',full_name,') = 0 or u._is_moved = 1 then 1 else 0 end) over (partition by u.customer_id order by u._n rows unbounded preceding) as _run_full_name,
        sum(case when strpos(u.unavailable, ',email,') = 0 or u._is_moved = 1 then 1 else 0 end) over (partition by u.customer_id order by u._n rows unbounded preceding) as _run_email,
        sum(case when strpos(u.unavailable, ',phone,') = 0 or u._is_moved = 1 then 1 else 0 end) over (partition by u.customer_id order by u._n rows unbounded preceding) as _run_phone,
        sum(case when strpos(u.unavailable, ',address_line,') = 0 or u._is_moved = 1 then 1 else 0 end) over (partition by u.customer_id order by u._n rows unbounded preceding) as _run_address_line,
        sum(case when strpos(u.unavailable, ',city,') = 0 or u._is_moved = 1 then 1 else 0 end) over (partition by u.customer_id order by u._n rows unbounded preceding) as _run_city,
        sum(case when strpos(u.unavailable, ',postal_code,') = 0 or u._is_moved = 1 then 1 else 0 end) over (partition by u.customer_id order by u._n rows unbounded preceding) as _run_postal_code,
        sum(case when strpos(u.unavailable, ',country,') = 0 or u._is_moved = 1 then 1 else 0 end) over (partition by u.customer_id order by u._n rows unbounded preceding) as _run_country,
        sum(case when strpos(u.unavailable, ',birth_date,') = 0 or u._is_moved = 1 then 1 else 0 end) over (partition by u.customer_id order by u._n rows unbounded preceding) as _run_birth_date,
        sum(case when strpos(u.unavailable, ',marketing_opt_in,') = 0 or u._is_moved = 1 then 1 else 0 end) over (partition by u.customer_id order by u._n rows unbounded preceding) as _run_marketing_opt_in,
        sum(case when strpos(u.unavailable, ',gender,') = 0 or u._is_moved = 1 then 1 else 0 end) over (partition by u.customer_id order by u._n rows unbounded preceding) as _run_gender,
        sum(case when strpos(u.unavailable, ',segment,') = 0 or u._is_moved = 1 then 1 else 0 end) over (partition by u.customer_id order by u._n rows unbounded preceding) as _run_segment,
        sum(case when strpos(u.unavailable, ',marital_status,') = 0 or u._is_moved = 1 then 1 else 0 end) over (partition by u.customer_id order by u._n rows unbounded preceding) as _run_marital_status,
        sum(case when strpos(u.unavailable, ',income_band,') = 0 or u._is_moved = 1 then 1 else 0 end) over (partition by u.customer_id order by u._n rows unbounded preceding) as _run_income_band
    from upserts as u
    inner join dim_customer_images as own on u.customer_id = own.customer_id and u.change_identity = own.change_identity
    left join donors as d
        on u.customer_id = d._moved_customer_id
        and u._n = d._moved_n
        and d._nearness = 1
    left join dim_customer_images as given on d.customer_id = given.customer_id and d.change_identity = given.change_identity
),

spread as (
    select
        customer_id,
        change_identity,
        unavailable,
        max(full_name) over (partition by customer_id, _run_full_name) as full_name,
        max(email) over (partition by customer_id, _run_email) as email,
        max(phone) over (partition by customer_id, _run_phone) as phone,
        max(address_line) over (partition by customer_id, _run_address_line) as address_line,
        max(city) over (partition by customer_id, _run_city) as city,
        max(postal_code) over (partition by customer_id, _run_postal_code) as postal_code,
        max(country) over (partition by customer_id, _run_country) as country,
        max(birth_date) over (partition by customer_id, _run_birth_date) as birth_date,
        max(gender) over (partition by customer_id, _run_gender) as gender,
        max(segment) over (partition by customer_id, _run_segment) as segment,
        max(marital_status) over (partition by customer_id, _run_marital_status) as marital_status,
        max(income_band) over (partition by customer_id, _run_income_band) as income_band,
        cast(max(cast(marketing_opt_in as integer)) over (partition by customer_id, _run_marketing_opt_in) as boolean) as marketing_opt_in,
        max(_known_full_name) over (partition by customer_id, _run_full_name) as _known_full_name,
        max(_known_email) over (partition by customer_id, _run_email) as _known_email,
        max(_known_phone) over (partition by customer_id, _run_phone) as _known_phone,
        max(_known_address_line) over (partition by customer_id, _run_address_line) as _known_address_line,
        max(_known_city) over (partition by customer_id, _run_city) as _known_city,
        max(_known_postal_code) over (partition by customer_id, _run_postal_code) as _known_postal_code,
        max(_known_country) over (partition by customer_id, _run_country) as _known_country,
        max(_known_birth_date) over (partition by customer_id, _run_birth_date) as _known_birth_date,
        max(_known_marketing_opt_in) over (partition by customer_id, _run_marketing_opt_in) as _known_marketing_opt_in,
        max(_known_gender) over (partition by customer_id, _run_gender) as _known_gender,
        max(_known_segment) over (partition by customer_id, _run_segment) as _known_segment,
        max(_known_marital_status) over (partition by customer_id, _run_marital_status) as _known_marital_status,
        max(_known_income_band) over (partition by customer_id, _run_income_band) as _known_income_band
    from known
)

select
    spread.*,
    case
        when
        _known_full_name = 1
        and _known_email = 1
        and _known_phone = 1
        and _known_address_line = 1
        and _known_city = 1
        and _known_postal_code = 1
        and _known_country = 1
        and _known_birth_date = 1
        and _known_marketing_opt_in = 1
        and _known_gender = 1
        and _known_segment = 1
        and _known_marital_status = 1
        and _known_income_band = 1
            then ''
        else ','
    end
    ||
    case when _known_full_name = 1 then '' else 'full_name,' end
    || case when _known_email = 1 then '' else 'email,' end
    || case when _known_phone = 1 then '' else 'phone,' end
    || case when _known_address_line = 1 then '' else 'address_line,' end
    || case when _known_city = 1 then '' else 'city,' end
    || case when _known_postal_code = 1 then '' else 'postal_code,' end
    || case when _known_country = 1 then '' else 'country,' end
    || case when _known_birth_date = 1 then '' else 'birth_date,' end
    || case when _known_marketing_opt_in = 1 then '' else 'marketing_opt_in,' end
    || case when _known_gender = 1 then '' else 'gender,' end
    || case when _known_segment = 1 then '' else 'segment,' end
    || case when _known_marital_status = 1 then '' else 'marital_status,' end
    || case when _known_income_band = 1 then '' else 'income_band,' end as _unknown
from spread
where unavailable <> '';

update dim_customer_images
set _unknown = f._unknown,
    full_name = f.full_name,
    email = f.email,
    phone = f.phone,
    address_line = f.address_line,
    city = f.city,
    postal_code = f.postal_code,
    country = f.country,
    birth_date = f.birth_date,
    marketing_opt_in = f.marketing_opt_in,
    gender = f.gender,
    segment = f.segment,
    marital_status = f.marital_status,
    income_band = f.income_band
from dim_customer_filled as f
where dim_customer_images.customer_id = f.customer_id
    and dim_customer_images.change_identity = f.change_identity
    and (
        dim_customer_images._unknown <> f._unknown
        or case when dim_customer_images.full_name = f.full_name or (dim_customer_images.full_name is null and f.full_name is null) then 0 else 1 end = 1
        or case when dim_customer_images.email = f.email or (dim_customer_images.email is null and f.email is null) then 0 else 1 end = 1
        or case when dim_customer_images.phone = f.phone or (dim_customer_images.phone is null and f.phone is null) then 0 else 1 end = 1
        or case when dim_customer_images.address_line = f.address_line or (dim_customer_images.address_line is null and f.address_line is null) then 0 else 1 end = 1
        or case when dim_customer_images.city = f.city or (dim_customer_images.city is null and f.city is null) then 0 else 1 end = 1
        or case when dim_customer_images.postal_code = f.postal_code or (dim_customer_images.postal_code is null and f.postal_code is null) then 0 else 1 end = 1
        or case when dim_customer_images.country = f.country or (dim_customer_images.country is null and f.country is null) then 0 else 1 end = 1
        or case when dim_customer_images.birth_date = f.birth_date or (dim_customer_images.birth_date is null and f.birth_date is null) then 0 else 1 end = 1
        or case when dim_customer_images.marketing_opt_in = f.marketing_opt_in or (dim_customer_images.marketing_opt_in is null and f.marketing_opt_in is null) then 0 else 1 end = 1
        or case when dim_customer_images.gender = f.gender or (dim_customer_images.gender is null and f.gender is null) then 0 else 1 end = 1
        or case when dim_customer_images.segment = f.segment or (dim_customer_images.segment is null and f.segment is null) then 0 else 1 end = 1
        or case when dim_customer_images.marital_status = f.marital_status or (dim_customer_images.marital_status is null and f.marital_status is null) then 0 else 1 end = 1
        or case when dim_customer_images.income_band = f.income_band or (dim_customer_images.income_band is null and f.income_band is null) then 0 else 1 end = 1
    );
