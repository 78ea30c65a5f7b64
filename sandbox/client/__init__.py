"""What people do with a Telegram client, and what it shows them."""
