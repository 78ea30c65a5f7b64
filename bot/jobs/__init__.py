"""Scheduled jobs: the worker, the registry of job kinds, and periodic tasks."""
