"""Telegram's limits on what bots and people send alike."""

MAX_TEXT_LENGTH = 4096
MAX_CAPTION_LENGTH = 1024
MAX_ALBUM_SIZE = 10
