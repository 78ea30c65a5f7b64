"""Build steps that are not part of the product."""
