"""Scheduled jobs and periodic work."""
