"""The Bot API: its methods, their parameters, and what Telegram refuses."""
