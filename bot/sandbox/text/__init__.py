"""Text as Telegram treats it: markup, entities, trimming, UTF-16 offsets."""
