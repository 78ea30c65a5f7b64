"""Generates docs/bridge-protocol.md and its JSON Schema from the protocol types."""
