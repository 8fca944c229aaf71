-- Versions: runs of consecutive upserts with equal type-2 attributes, half-open in time. What a version does not know is
-- what the last upsert of its run does not know.

drop table if exists dim_customer_opened;

-- grain: one row per version that the changes open, and the open version of a seed
create temp table dim_customer_opened as
with standing as (
    select
        s.*,
        sum(_is_upsert) over (partition by customer_id order by _n rows unbounded preceding) as _life
    from dim_customer_steps as s
    where _stands = 1
),

-- A life is an upsert with what follows up to the next upsert: only the first change after the upsert can end it.
lives as (
    select
        standing.*,
        row_number() over (partition by customer_id, _life order by _n) as _place_in_life
    from standing
),

turns as (
    select
        l.*,
        lag(l._is_upsert) over (partition by l.customer_id order by l._n) as _was_upsert,
        lag(i._unknown) over (partition by l.customer_id order by l._n) as _was_unknown,
        i.gender,
        i.segment,
        i.marital_status,
        i.income_band,
        lag(i.gender) over (partition by l.customer_id order by l._n) as _was_gender,
        lag(i.segment) over (partition by l.customer_id order by l._n) as _was_segment,
        lag(i.marital_status) over (partition by l.customer_id order by l._n) as _was_marital_status,
        lag(i.income_band) over (partition by l.customer_id order by l._n) as _was_income_band
    from lives as l
    left join dim_customer_images as i on l.customer_id = i.customer_id and l.change_identity = i.change_identity
    where l._is_seed = 1 or (l._life > 0 and l._place_in_life <= 2)
),

boundaries as (
    select turns.*
    from turns
    where _is_seed = 1
        or _is_upsert = 0
        or coalesce(_was_upsert, 0) = 0
        or case when gender = _was_gender or (gender is null and _was_gender is null) then 0 else 1 end = 1
        or case when segment = _was_segment or (segment is null and _was_segment is null) then 0 else 1 end = 1
        or case when marital_status = _was_marital_status or (marital_status is null and _was_marital_status is null) then 0 else 1 end = 1
        or case when income_band = _was_income_band or (income_band is null and _was_income_band is null) then 0 else 1 end = 1
),

spans as (
    select
        boundaries.*,
        lead(_at) over (partition by customer_id order by _n) as _until,
        lead(_was_unknown) over (partition by customer_id order by _n) as _unknown_at_end
    from boundaries
)

select
    s.customer_id,
    s._is_seed,
    case when s._is_seed = 1 then s._seed_from else s._at end as effective_from,
    s._until as effective_to,
    case when s._is_upsert = 0 then true else false end as is_deleted,
    case when s._is_seed = 0 and s._at = timestamp '1900-01-01 00:00:00' then s.origin_sk else s.change_sk end as _sk,
    case
        when s._is_seed = 0 and s._at = timestamp '1900-01-01 00:00:00' then 'origin' else s.change_identity
    end as version_identity,
    case
        when s._is_upsert = 0 then i._unknown
        when s._until is null then l._unknown
        else s._unknown_at_end
    end as _unknown,
    i.gender,
    i.segment,
    i.marital_status,
    i.income_band
from spans as s
inner join dim_customer_steps as k on s.customer_id = k.customer_id and s._known_n = k._n
inner join dim_customer_images as i on k.customer_id = i.customer_id and k.change_identity = i.change_identity
inner join dim_customer_latest as l on s.customer_id = l.customer_id
where s._is_upsert = 1
    or (s._is_seed = 1 and s._seed_state = 'deleted')
    or (s._is_seed = 0 and s.change_op = 'd' and 'close' = 'new_record');
