"""Text as Telegram treats it: markup, entities, trimming, UTF-16 offsets."""

from sandbox.markup.formatting import format_text, typed_text, utf16_length

__all__ = ["format_text", "typed_text", "utf16_length"]
