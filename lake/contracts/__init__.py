"""Contracts drafted from what exists, and checked against it."""
