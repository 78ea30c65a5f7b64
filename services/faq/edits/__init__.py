"""Edits of the FAQ in a running service, which lie over the files that came with the package."""
