"""Certificates of a card: states, issuing, card keys."""
