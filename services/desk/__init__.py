"""The support desk: tickets that a person answers. It knows no Telegram."""
