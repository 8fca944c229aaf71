-- The clinic's source on the embedded PostgreSQL; every statement may be run again.

CREATE SCHEMA IF NOT EXISTS clinic;

CREATE TABLE IF NOT EXISTS clinic.ward (
    clinic_id  integer NOT NULL,
    ward_code  varchar(16) NOT NULL,
    title      varchar(100) NOT NULL,
    speciality varchar(50),
    beds       smallint,
    PRIMARY KEY (clinic_id, ward_code)
);

CREATE TABLE IF NOT EXISTS clinic.stay (
    clinic_id   integer NOT NULL,
    stay_no     bigint NOT NULL,
    ward_code   varchar(16),
    admitted_at timestamptz NOT NULL,
    nights      integer NOT NULL,
    charge      numeric(10, 2) NOT NULL,
    PRIMARY KEY (clinic_id, stay_no)
);
