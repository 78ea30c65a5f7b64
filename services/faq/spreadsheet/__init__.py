"""The whole FAQ as one table, which an office edits."""
