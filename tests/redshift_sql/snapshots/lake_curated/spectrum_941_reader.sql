-- Neither column grants nor masks reach external tables: whoever reads them sees personal data.
grant usage on schema lake_curated to role lake_steward;
