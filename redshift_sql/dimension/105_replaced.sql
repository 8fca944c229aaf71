-- A load that holds the whole change log takes the place of what is kept of it.

delete from staging.{d}_log;

delete from staging.{d}_truncate;

delete from staging.{d}_tip;
