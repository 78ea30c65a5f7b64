"""Faults: kills at random points under mixed load, and what else fails around the bot."""
