"""Resume a suspended certificate (復用)."""
