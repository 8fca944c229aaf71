-- Versions: runs of consecutive upserts with equal type-2 attributes, half-open in time. What a version does not know is
-- what the last upsert of its run does not know.

drop table if exists dim_product_opened;

-- grain: one row per version that the changes open, and the open version of a seed
create temp table dim_product_opened as
with standing as (
    select
        s.*,
        sum(_is_upsert) over (partition by product_id order by _n rows unbounded preceding) as _life
    from dim_product_steps as s
    where _stands = 1
),

-- A life is an upsert with what follows up to the next upsert: only the first change after the upsert can end it.
lives as (
    select
        standing.*,
        row_number() over (partition by product_id, _life order by _n) as _place_in_life
    from standing
),

turns as (
    select
        l.*,
        lag(l._is_upsert) over (partition by l.product_id order by l._n) as _was_upsert,
        lag(i._unknown) over (partition by l.product_id order by l._n) as _was_unknown,
        i.category,
        i.subcategory,
        lag(i.category) over (partition by l.product_id order by l._n) as _was_category,
        lag(i.subcategory) over (partition by l.product_id order by l._n) as _was_subcategory
    from lives as l
    left join dim_product_images as i on l.product_id = i.product_id and l.change_identity = i.change_identity
    where l._is_seed = 1 or (l._life > 0 and l._place_in_life <= 2)
),

boundaries as (
    select turns.*
    from turns
    where _is_seed = 1
        or _is_upsert = 0
        or coalesce(_was_upsert, 0) = 0
        or case when category = _was_category or (category is null and _was_category is null) then 0 else 1 end = 1
        or case when subcategory = _was_subcategory or (subcategory is null and _was_subcategory is null) then 0 else 1 end = 1
),

spans as (
    select
        boundaries.*,
        lead(_at) over (partition by product_id order by _n) as _until,
        lead(_was_unknown) over (partition by product_id order by _n) as _unknown_at_end
    from boundaries
)

select
    s.product_id,
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
    i.category,
    i.subcategory
from spans as s
inner join dim_product_steps as k on s.product_id = k.product_id and s._known_n = k._n
inner join dim_product_images as i on k.product_id = i.product_id and k.change_identity = i.change_identity
inner join dim_product_latest as l on s.product_id = l.product_id
where s._is_upsert = 1
    or (s._is_seed = 1 and s._seed_state = 'deleted')
    or (s._is_seed = 0 and s.change_op = 'd' and 'close' = 'new_record');
