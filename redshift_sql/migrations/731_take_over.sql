insert into {schema}.{t} ({kept: #})
select {kept: #}
from {schema}.{t}_replaced;

drop table {schema}.{t}_replaced;
