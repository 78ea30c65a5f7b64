"""One of two processes that both work on the same updates: without the lease that prevents it.

Each line that comes in is an update; a line goes out when it was worked on.
"""

import asyncio
import json
import sys

from telegram import Update

from bot import logs, settings
from bot.app import Kaika


async def main() -> None:
    """Work on what comes in, until nothing does."""
    given = settings.load()
    logs.configure(given.log_level, given.log_format, given.secrets())
    kaika = Kaika(given)
    application = kaika.application
    async with kaika.open_resources(), kaika.process_updates():
        sys.stdout.write("ready\n")
        sys.stdout.flush()
        while line := await asyncio.to_thread(sys.stdin.readline):
            await application.process_update(Update.de_json(json.loads(line), application.bot))
            sys.stdout.write("done\n")
            sys.stdout.flush()


if __name__ == "__main__":
    asyncio.run(main())
