"""The embedded stack: PostgreSQL, Kafka, schema registry and Connect as ordinary processes, without containers."""
