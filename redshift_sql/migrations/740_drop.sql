-- It holds nothing that is not elsewhere (load rows, which COPY takes by position; an aggregate), so it is made anew.
drop table if exists {schema}.{t};
