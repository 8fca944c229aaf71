-- Decodes a record: source table, key and value (base64) to a change as JSON, or to the reason why there is none.
create or replace external function staging.f_decode_change(varchar(127), varchar(65535), varchar(65535))
returns varchar(65535)
stable
lambda '{function}'
iam_role '{role}'
retry_timeout 60000
max_batch_rows {batch_rows}
max_batch_size 5 MB;
