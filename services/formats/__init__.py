"""The shapes of what people type: normalising them and checking them, each in its own file."""
