"""Mails and notices to linked chats."""
