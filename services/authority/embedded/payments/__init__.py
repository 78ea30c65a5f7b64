"""Applications, invoices and charges."""
