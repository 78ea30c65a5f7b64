"""How long tests wait for what is to come. What the product promises is another thing."""

PATIENCE = 60.0
"""Seconds after which something counts as lost; on a loaded machine a process starts slowly."""
