-- A snapshot row has no position: it takes the highest one at lower offsets of its partition.
anchored as (
    select
        events.*,
        case
            when change_op <> 'r' then position
            else coalesce(
                max(case when change_op <> 'r' then position end) over (
                    partition by {key: #}, epoch, kafka_partition
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
            partition by {key: #}
            order by _is_seed desc, epoch, _position, kafka_partition, kafka_offset
        ) as _n,
        row_number() over (
            partition by {key: #}
            order by _is_seed, epoch desc, _position desc, kafka_partition desc, kafka_offset desc
        ) as _from_last
    from anchored
    where _is_seed = 1
        or (
            not (change_op = 'd' and '{hard_delete}' = 'ignore')
            and not (change_op = 't' and '{truncate}' = 'ignore')
        )
),

-- An unavailable value is the one that the key's upsert before had; `_fresh_` of a value is 1 where the stream gave it,
-- 0 where a load did, NULL where nothing did.
known as (
    select
        following.*
        {attribute: , case when _is_upsert = 1 and strpos(unavailable, ',#,') = 0 then 1 else 0 end as _known_#}
    from following
),

runs as (
    select
        known.*
        {attribute: , sum(_known_#) over (partition by {key: #} order by _n rows unbounded preceding) as _run_#}
    from known
),

filled as (
    select
        {key: #},
        _from_last,
        _is_seed,
        _is_fresh,
        change_op,
        streamed_at
        {ordinary_attribute: , max(case when _known_# = 1 then # end) over (partition by {key: #}, _run_#) as #}
        {boolean_attribute: , cast(max(case when _known_# = 1 then cast(# as integer) end) over (partition by {key: #}, _run_#) as boolean) as #}
        {binary_attribute: , from_hex(max(case when _known_# = 1 then to_hex(#) end) over (partition by {key: #}, _run_#)) as #}
        {attribute: , max(case when _known_# = 1 then _is_fresh end) over (partition by {key: #}, _run_#) as _fresh_#}
    from runs
)
