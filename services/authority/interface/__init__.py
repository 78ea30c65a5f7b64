"""The authority as conversations, hub and counter see it, by concern."""
