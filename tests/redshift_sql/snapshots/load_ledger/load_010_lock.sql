-- Concurrent inserts into the ledger would not conflict, so a load holds it from its first statement on.
lock staging.load_ledger;

-- Concurrent inserts into the ledger would not conflict, so a load holds it from its first statement on.
lock staging.load_ledger;
