"""`kaika-bridge check`: diagnosis of reader, card and server."""
