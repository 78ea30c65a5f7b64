"""What a bot makes at its first start, made once in a process: it takes longer than most tests."""

import asyncio
import os
import tempfile
from concurrent.futures import ThreadPoolExecutor
from datetime import UTC, datetime
from functools import cache
from pathlib import Path

from services.authority.ca.ca_key_file import CaParameters, create_ca_key_file
from services.faq.entries import load_entries
from services.faq.index import PATH, load_index, read_index
from services.formats.hidden import Hidden
from services.storage import private_files
from services.storage.database import Database
from services.storage.upgrade import upgrade


def place_database(path: Path) -> None:
    """Put an empty SQLite database of the newest revision there, unless there is one already."""
    if not path.exists():
        path.parent.mkdir(parents=True, exist_ok=True)
        path.write_bytes(_empty_database())


def place_ca_key_file(path: Path, passphrase: Hidden, parameters: CaParameters) -> None:
    """Put the key file of a certificate authority there, unless there is one already."""
    if not path.exists():
        content = _ca_key_file(passphrase.reveal(), parameters)
        private_files.create_private_file(path, content)


def place_index() -> None:
    """Put what the search has learnt beside it, as in the package, unless it is there already.

    A file that is of other entries or other code is not used, here as in a clone.
    """
    known = load_entries()
    index = load_index(known)
    try:
        is_there = read_index(PATH.read_bytes()).fingerprint == index.fingerprint
    except (OSError, ValueError):
        is_there = False
    if not is_there:
        beside = PATH.with_suffix(f".{os.getpid()}")
        beside.write_bytes(index.to_bytes())
        beside.replace(PATH)


def migrate(url: str) -> None:
    """Upgrade a database to the newest revision, also where a loop is running."""
    with ThreadPoolExecutor(1) as thread:
        thread.submit(asyncio.run, _migrate(url)).result()


@cache
def _empty_database() -> bytes:
    with tempfile.TemporaryDirectory() as folder:
        path = Path(folder, "kaika.db")
        migrate(f"sqlite+aiosqlite:///{path}")
        return path.read_bytes()


async def _migrate(url: str) -> None:
    database = Database(url)
    await upgrade(database)
    await database.close()


@cache
def _ca_key_file(passphrase: str, parameters: CaParameters) -> str:
    with tempfile.TemporaryDirectory() as folder:
        path = Path(folder, "ca.json")
        create_ca_key_file(path, Hidden(passphrase), parameters, datetime.now(UTC))
        return path.read_text()
