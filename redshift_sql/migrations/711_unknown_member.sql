-- A fact refers to the unknown member until it is stated again.
update {schema}.{t}
set {column: #} = -1;
