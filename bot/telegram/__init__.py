"""python-telegram-bot set up for this process: application, transport, limits, errors, menus."""
