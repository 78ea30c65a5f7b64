"""Activate the card (開卡)."""
