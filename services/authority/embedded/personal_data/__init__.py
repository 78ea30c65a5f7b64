"""Personal data: sealed columns, records, keys."""
