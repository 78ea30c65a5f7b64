"""The FAQ: its entries, their search, error codes, votes and questions without an answer."""
