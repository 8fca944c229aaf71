-- Only rows that differ are written.

drop table if exists dim_customer_outdated;

-- grain: one row per version that is gone or has other values
create temp table dim_customer_outdated as
select b.customer_sk
from dim_customer_before as b
left join dim_customer_after as a on b.customer_sk = a.customer_sk and b.customer_id = a.customer_id
where a.customer_sk is null
    or b.effective_from <> a.effective_from
    or b.is_deleted <> a.is_deleted
    or b.is_inferred <> a.is_inferred
    or b.is_incomplete <> a.is_incomplete
    or b.version_identity <> a.version_identity
    or case when b.effective_to = a.effective_to or (b.effective_to is null and a.effective_to is null) then 0 else 1 end = 1
    or case when b.full_name = a.full_name or (b.full_name is null and a.full_name is null) then 0 else 1 end = 1
    or case when b.email = a.email or (b.email is null and a.email is null) then 0 else 1 end = 1
    or case when b.phone = a.phone or (b.phone is null and a.phone is null) then 0 else 1 end = 1
    or case when b.address_line = a.address_line or (b.address_line is null and a.address_line is null) then 0 else 1 end = 1
    or case when b.city = a.city or (b.city is null and a.city is null) then 0 else 1 end = 1
    or case when b.postal_code = a.postal_code or (b.postal_code is null and a.postal_code is null) then 0 else 1 end = 1
    or case when b.country = a.country or (b.country is null and a.country is null) then 0 else 1 end = 1
    or case when b.birth_date = a.birth_date or (b.birth_date is null and a.birth_date is null) then 0 else 1 end = 1
    or case when b.marketing_opt_in = a.marketing_opt_in or (b.marketing_opt_in is null and a.marketing_opt_in is null) then 0 else 1 end = 1
    or case when b.gender = a.gender or (b.gender is null and a.gender is null) then 0 else 1 end = 1
    or case when b.segment = a.segment or (b.segment is null and a.segment is null) then 0 else 1 end = 1
    or case when b.marital_status = a.marital_status or (b.marital_status is null and a.marital_status is null) then 0 else 1 end = 1
    or case when b.income_band = a.income_band or (b.income_band is null and a.income_band is null) then 0 else 1 end = 1;

delete from analytics.dim_customer
using dim_customer_outdated as o
where dim_customer.customer_sk = o.customer_sk;

insert into analytics.dim_customer (
    customer_sk,
    customer_id,
    full_name,
    email,
    phone,
    address_line,
    city,
    postal_code,
    country,
    birth_date,
    marketing_opt_in,
    gender,
    segment,
    marital_status,
    income_band,
    effective_from,
    effective_to,
    is_current,
    is_deleted,
    is_inferred,
    is_incomplete,
    version_identity
)
select
    a.customer_sk,
    a.customer_id,
    a.full_name,
    a.email,
    a.phone,
    a.address_line,
    a.city,
    a.postal_code,
    a.country,
    a.birth_date,
    a.marketing_opt_in,
    a.gender,
    a.segment,
    a.marital_status,
    a.income_band,
    a.effective_from,
    a.effective_to,
    a.is_current,
    a.is_deleted,
    a.is_inferred,
    a.is_incomplete,
    a.version_identity
from dim_customer_after as a
left join dim_customer_before as b on a.customer_sk = b.customer_sk and a.customer_id = b.customer_id
left join dim_customer_outdated as o on a.customer_sk = o.customer_sk
where b.customer_sk is null or o.customer_sk is not null;
