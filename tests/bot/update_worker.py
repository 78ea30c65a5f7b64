"""A process that works on given updates without the intake lease, for tests with two of them.

Each line of input is an update; it prints a line when the update was processed.
"""

import asyncio
import json
import sys

from telegram import Update

from bot import logs, settings
from bot.app import Kaika


async def main() -> None:
    """Process updates until the input ends."""
    given = settings.load_settings()
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
