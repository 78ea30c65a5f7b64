"""Telegram's limits on what bots and people send alike, and what may have a caption."""

MAX_TEXT_LENGTH = 4096
MAX_CAPTION_LENGTH = 1024
MAX_ALBUM_SIZE = 10
CAPTIONED_KINDS = frozenset({"photo", "voice", "video", "animation", "audio", "document"})
