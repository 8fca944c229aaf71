-- A calendar is small and whole in each of its loads.

delete from analytics.{c};

insert into analytics.{c} ({calendar: #})
select {calendar: #}
from staging.{c}_load;
