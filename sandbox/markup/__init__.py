"""Text as Telegram treats it: markup, entities, trimming, UTF-16 offsets."""

from sandbox.markup.formatting import count_utf16_units, parse_formatted_text, parse_typed_text

__all__ = ["count_utf16_units", "parse_formatted_text", "parse_typed_text"]
