-- Live facts, each referring to the version of its members that started last at or before its event time.

insert into analytics.fact_orders (
    order_id,
    customer_sk,
    order_date_sk,
    ship_date_sk,
    ordered_at,
    customer_id,
    status,
    channel,
    currency,
    shipped_at,
    shipping_fee
)
select
    l.order_id,
    case when l.ordered_at is null then -1 else coalesce(customer_sk_window._sk, -1) end,
    l.order_date_sk,
    l.ship_date_sk,
    l.ordered_at,
    l.customer_id,
    l.status,
    l.channel,
    l.currency,
    l.shipped_at,
    l.shipping_fee
from staging.fact_orders_load as l
left join fact_orders_customer_sk_windows as customer_sk_window
    on l.customer_id = customer_sk_window.customer_id
    and (customer_sk_window._number = 1 or customer_sk_window.effective_from <= l.ordered_at)
    and (customer_sk_window._until is null or customer_sk_window._until > l.ordered_at)
where l.is_deleted = false;
