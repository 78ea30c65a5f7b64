"""From Telegram to the handlers: polling, webhook, intake, order of processing."""
