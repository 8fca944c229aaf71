-- It holds nothing that is not elsewhere: load rows, which COPY takes by position; an aggregate; a mirror.
drop table if exists {schema}.{t};
