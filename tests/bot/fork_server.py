"""A process that starts `kaika run` again and again, for `kaika_program`.

It imports and learns everything once and forks for each start, so that a start costs neither. For
each line that comes in it starts one, tells its number, waits until it ends, and tells with what.
"""

import asyncio
import os
import sys
import tempfile

import bot.wiring.bridge
import bot.wiring.embedded  # noqa: F401  what a run imports late
from bot.cli import main as cli
from bot.wiring import application
from handlers.faq import answers
from services.faq import entries
from services.storage.database import Database
from services.storage.upgrade import upgrade


async def _learn() -> None:
    """Do once what every start would repeat."""
    application.load_models()
    answers.render_all(entries.load_entries())
    with tempfile.TemporaryDirectory() as folder:
        database = Database(f"sqlite+aiosqlite:///{folder}/kaika.db")
        await upgrade(database)
        await database.close()


def main() -> None:
    """Start the program once per line of input."""
    asyncio.run(_learn())
    for _ in sys.stdin:
        child = os.fork()
        if child == 0:
            sys.argv = ["kaika", "run"]
            cli.main()
            os._exit(1)  # it ends by itself
        os.write(1, f"{child}\n".encode())
        _, status = os.waitpid(child, 0)
        os.write(1, f"{os.waitstatus_to_exitcode(status)}\n".encode())


if __name__ == "__main__":
    main()
