"""Card operations on the server: start, messages, completion, records."""
