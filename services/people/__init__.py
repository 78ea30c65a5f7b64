"""People and chats: language, and what is stored about a chat."""
