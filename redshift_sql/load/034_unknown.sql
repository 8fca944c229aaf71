-- A reference that the load did not have leads to the unknown member until the fact is stated again.
update staging.{t}_load
set {column: #} = -1;
