-- Once a minute beside AUTO REFRESH, which Redshift puts off while other work is waiting.
refresh materialized view staging.{s}_stream_v{version};
