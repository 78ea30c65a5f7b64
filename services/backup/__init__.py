"""Backups of the database and of the keys: made, verified and restored."""
