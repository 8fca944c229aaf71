-- Live facts, each referring to the version of its members that started last at or before its event time.

insert into analytics.fact_sales (
    order_id,
    line_no,
    customer_sk,
    product_sk,
    date_sk,
    ordered_at,
    customer_id,
    product_id,
    channel,
    currency,
    quantity,
    unit_price,
    discount,
    gross_amount,
    net_amount,
    tax_amount
)
select
    l.order_id, l.line_no,
    case when l.ordered_at is null then -1 else coalesce(customer_sk_window._sk, -1) end,
    case when l.ordered_at is null then -1 else coalesce(product_sk_window._sk, -1) end,
    l.date_sk,
    l.ordered_at,
    l.customer_id,
    l.product_id,
    l.channel,
    l.currency,
    l.quantity,
    l.unit_price,
    l.discount,
    l.gross_amount,
    l.net_amount,
    l.tax_amount
from staging.fact_sales_load as l
left join fact_sales_customer_sk_windows as customer_sk_window
    on l.customer_id = customer_sk_window.customer_id
    and (customer_sk_window._number = 1 or customer_sk_window.effective_from <= l.ordered_at)
    and (customer_sk_window._until is null or customer_sk_window._until > l.ordered_at)
left join fact_sales_product_sk_windows as product_sk_window
    on l.product_id = product_sk_window.product_id
    and (product_sk_window._number = 1 or product_sk_window.effective_from <= l.ordered_at)
    and (product_sk_window._until is null or product_sk_window._until > l.ordered_at)
where l.is_deleted = false;
