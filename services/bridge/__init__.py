"""The hub on the server: pairing a chat with the reader bridge on a PC, and work on the card."""
