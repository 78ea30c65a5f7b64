"""Inbox, outbox, mail, staff alerts and reminders."""
