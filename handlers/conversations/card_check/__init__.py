"""Check reader and card."""
