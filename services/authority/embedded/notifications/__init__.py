"""Mails, and questions to linked chats whether it was the person."""
