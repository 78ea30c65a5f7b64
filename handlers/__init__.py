"""Handlers of Telegram updates and bridge events: each calls a service and shows a view."""
