"""Debezium connector configurations for SQL Server, PostgreSQL and MySQL, and the function that fills them."""
