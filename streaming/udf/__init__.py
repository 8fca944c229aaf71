"""The Lambda function that Redshift asks to decode change events: batches of framed Avro to JSON."""
