"""The support desk in Telegram: its set-up, the subscriber's side, and the staff group's side."""
