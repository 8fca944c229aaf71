-- A load table holds nothing between loads, and COPY takes columns by position: it is made anew.
drop table if exists {schema}.{t};
