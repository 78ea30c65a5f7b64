"""Picture stories of the conversations, for `docs/screenshots`."""
