-- Live facts, each referring to the version of its members that started last at or before its event time.

insert into analytics.{f} ({fact: #})
select
    {key: l.#}
    {reference: , case when l.{event} is null then -1 else coalesce(#_window._sk, -1) end}
    {calendar: , l.#},
    l.{event}{reference_key: , l.#}{value: , l.#}
from staging.{f}_load as l
{joins}
where l.is_deleted = false;
