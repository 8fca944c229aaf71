"""Edges of hop 3: the star in Iceberg and its load files."""
