"""Pairing a chat with a bridge."""
