"""What the system does. No Telegram in here."""
