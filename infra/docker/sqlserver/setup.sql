-- The retail source on SQL Server, with change data capture; the columns and meanings are those of
-- schemas/retail/source.sql. Every statement may be run again. sqlcmd fills $(DEBEZIUM_PASSWORD) from its environment.
:on error exit
IF DB_ID('retail') IS NULL CREATE DATABASE retail;
GO
-- The connector's first snapshot reads the tables without locking them.
ALTER DATABASE retail SET ALLOW_SNAPSHOT_ISOLATION ON;
GO
IF SUSER_ID('debezium') IS NULL CREATE LOGIN debezium WITH PASSWORD = '$(DEBEZIUM_PASSWORD)', DEFAULT_DATABASE = retail;
GO
USE retail;
GO
IF USER_ID('debezium') IS NULL CREATE USER debezium FOR LOGIN debezium;
IF SCHEMA_ID('lake') IS NULL EXEC('CREATE SCHEMA lake');
GO
IF OBJECT_ID('dbo.customer') IS NULL CREATE TABLE dbo.customer (
    customer_id      bigint PRIMARY KEY,
    customer_uuid    uniqueidentifier NOT NULL,
    full_name        nvarchar(400) NOT NULL,
    email            nvarchar(320) NOT NULL,
    phone            nvarchar(64),
    address_line     nvarchar(400) NOT NULL,
    city             nvarchar(200) NOT NULL,
    postal_code      nvarchar(32) NOT NULL,
    country          nvarchar(2) NOT NULL,
    birth_date       date NOT NULL,
    gender           nvarchar(32),
    segment          nvarchar(32) NOT NULL,
    marital_status   nvarchar(32),
    income_band      nvarchar(32),
    marketing_opt_in bit NOT NULL DEFAULT 0,
    preferences      nvarchar(max),
    created_at       datetimeoffset(6) NOT NULL,
    updated_at       datetimeoffset(6) NOT NULL
);
IF OBJECT_ID('dbo.product') IS NULL CREATE TABLE dbo.product (
    product_id  bigint PRIMARY KEY,
    sku         nvarchar(64) NOT NULL,
    name        nvarchar(400) NOT NULL,
    description nvarchar(max),
    category    nvarchar(100) NOT NULL,
    subcategory nvarchar(100),
    brand       nvarchar(100),
    list_price  decimal(12, 2) NOT NULL,
    weight_kg   decimal(10, 3),
    active      bit NOT NULL DEFAULT 1,
    attributes  nvarchar(max),
    launched_on date,
    updated_at  datetimeoffset(6) NOT NULL
);
-- An order may name a customer that is not there yet, so there is no foreign key.
IF OBJECT_ID('dbo.order') IS NULL CREATE TABLE dbo.[order] (
    order_id     bigint PRIMARY KEY,
    customer_id  bigint,
    status       nvarchar(32) NOT NULL,
    ordered_at   datetimeoffset(6) NOT NULL,
    shipped_at   datetimeoffset(6),
    channel      nvarchar(32) NOT NULL,
    currency     nvarchar(3) NOT NULL,
    shipping_fee decimal(10, 2) NOT NULL,
    note         nvarchar(max),
    updated_at   datetime2(6) NOT NULL
);
IF OBJECT_ID('dbo.order_item') IS NULL CREATE TABLE dbo.order_item (
    order_id   bigint NOT NULL,
    line_no    int NOT NULL,
    product_id bigint NOT NULL,
    quantity   int NOT NULL,
    unit_price decimal(12, 2) NOT NULL,
    discount   decimal(12, 2) NOT NULL DEFAULT 0,
    tax_rate   decimal(5, 4) NOT NULL,
    updated_at datetimeoffset(6) NOT NULL,
    PRIMARY KEY (order_id, line_no)
);
-- What the connector writes: signals of its incremental snapshots, and its heartbeat.
IF OBJECT_ID('lake.signal') IS NULL CREATE TABLE lake.signal (
    id   varchar(64) PRIMARY KEY,
    type varchar(32) NOT NULL,
    data varchar(2048)
);
IF OBJECT_ID('lake.heartbeat') IS NULL CREATE TABLE lake.heartbeat (
    id      int PRIMARY KEY,
    beat_at datetime2(6) NOT NULL
);
IF NOT EXISTS (SELECT 1 FROM lake.heartbeat) INSERT INTO lake.heartbeat VALUES (1, SYSUTCDATETIME());
GO
-- Only a database with change data capture keeps changes; the agent's jobs read them from its log.
IF NOT EXISTS (SELECT 1 FROM sys.databases WHERE name = 'retail' AND is_cdc_enabled = 1) EXEC sys.sp_cdc_enable_db;
GO
DECLARE @schema sysname, @table sysname;
DECLARE captured CURSOR LOCAL FOR
    SELECT s.name, t.name
    FROM sys.tables AS t
    JOIN sys.schemas AS s ON s.schema_id = t.schema_id
    WHERE t.is_tracked_by_cdc = 0
      AND (s.name = 'dbo' AND t.name IN ('customer', 'product', 'order', 'order_item')
           OR s.name = 'lake' AND t.name IN ('signal', 'heartbeat'));
OPEN captured;
FETCH NEXT FROM captured INTO @schema, @table;
WHILE @@FETCH_STATUS = 0
BEGIN
    EXEC sys.sp_cdc_enable_table @source_schema = @schema, @source_name = @table, @role_name = NULL, @supports_net_changes = 0;
    FETCH NEXT FROM captured INTO @schema, @table;
END;
CLOSE captured;
DEALLOCATE captured;
GO
GRANT SELECT ON SCHEMA::dbo TO debezium;
GRANT SELECT ON SCHEMA::cdc TO debezium;
GRANT SELECT, INSERT, UPDATE, DELETE ON SCHEMA::lake TO debezium;
GRANT VIEW DATABASE STATE TO debezium;
GO
-- The connector asks whether the agent runs.
USE master;
GRANT VIEW SERVER STATE TO debezium;
GO
