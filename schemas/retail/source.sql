-- The retail source as it runs on the embedded PostgreSQL; every statement may be run again.

CREATE TABLE IF NOT EXISTS customer (
    customer_id      bigint PRIMARY KEY,
    customer_uuid    uuid NOT NULL,
    full_name        text NOT NULL,
    email            text NOT NULL,
    phone            text,
    address_line     text NOT NULL,
    city             text NOT NULL,
    postal_code      text NOT NULL,
    country          text NOT NULL,
    birth_date       date NOT NULL,
    gender           text,
    segment          text NOT NULL,
    marital_status   text,
    income_band      text,
    marketing_opt_in boolean NOT NULL DEFAULT false,
    preferences      jsonb,
    created_at       timestamptz NOT NULL,
    updated_at       timestamptz NOT NULL
);

CREATE TABLE IF NOT EXISTS product (
    product_id  bigint PRIMARY KEY,
    sku         text NOT NULL,
    name        text NOT NULL,
    description text,
    category    text NOT NULL,
    subcategory text,
    brand       text,
    list_price  numeric(12, 2) NOT NULL,
    weight_kg   numeric(10, 3),
    active      boolean NOT NULL DEFAULT true,
    attributes  jsonb,
    launched_on date,
    updated_at  timestamptz NOT NULL
);
-- Long descriptions lie outside the row, so that an update of another column carries no value for them.
ALTER TABLE product ALTER COLUMN description SET STORAGE EXTERNAL;

-- An order may name a customer that is not there yet, so there is no foreign key.
CREATE TABLE IF NOT EXISTS "order" (
    order_id     bigint PRIMARY KEY,
    customer_id  bigint,
    status       text NOT NULL,
    ordered_at   timestamptz NOT NULL,
    shipped_at   timestamptz,
    channel      text NOT NULL,
    currency     char(3) NOT NULL,
    shipping_fee numeric(10, 2) NOT NULL,
    note         text,
    updated_at   timestamp NOT NULL
);

CREATE TABLE IF NOT EXISTS order_item (
    order_id   bigint NOT NULL,
    line_no    int NOT NULL,
    product_id bigint NOT NULL,
    quantity   int NOT NULL,
    unit_price numeric(12, 2) NOT NULL,
    discount   numeric(12, 2) NOT NULL DEFAULT 0,
    tax_rate   numeric(5, 4) NOT NULL,
    updated_at timestamptz NOT NULL,
    PRIMARY KEY (order_id, line_no)
);
