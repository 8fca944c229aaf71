"""Rows and changes for the retail source: seeded, sized by arguments, told in a ledger."""
