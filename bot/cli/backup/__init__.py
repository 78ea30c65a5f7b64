"""`kaika backup`: making, verifying and restoring backups."""
