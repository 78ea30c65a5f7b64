"""The authority that carries operations out: its interface, the embedded authority, and its CA."""
