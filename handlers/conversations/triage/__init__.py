"""Triage: from a problem to the conversation that solves it."""
