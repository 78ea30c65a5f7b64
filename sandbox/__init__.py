"""A strict local stand-in for the Telegram Bot API, with an interface to act as a person."""
