"""The demo begins anew each time, and only ever on a database of its own."""

import sqlite3
from pathlib import Path

import pytest

from bot import demo
from bot.settings import SettingsError


def _url(path: Path) -> str:
    return f"sqlite+aiosqlite:///{path}"


async def test_it_makes_its_database_and_empties_it_the_next_time(tmp_path: Path) -> None:
    path = tmp_path / "sandbox.db"
    await demo.begin_anew(_url(path))
    with sqlite3.connect(path) as connection:
        connection.execute("INSERT INTO votes VALUES (1, 'fee', 'en', 1, '2026-11-23')")
    await demo.begin_anew(_url(path))
    with sqlite3.connect(path) as connection:
        assert connection.execute("SELECT count(*) FROM votes").fetchone() == (0,)


async def test_a_database_it_did_not_make_is_left_alone(tmp_path: Path) -> None:
    path = tmp_path / "kaika.db"
    with sqlite3.connect(path) as connection:
        connection.execute("CREATE TABLE precious (x)")
        connection.execute("INSERT INTO precious VALUES (1)")
    with pytest.raises(SettingsError, match="did not create"):
        await demo.begin_anew(_url(path))
    with sqlite3.connect(path) as connection:
        assert connection.execute("SELECT count(*) FROM precious").fetchone() == (1,)


async def test_a_database_of_the_real_bot_is_left_alone(tmp_path: Path) -> None:
    from services.storage.database import Database
    from services.storage.upgrade import upgrade

    database = Database(_url(tmp_path / "kaika.db"))
    await upgrade(database)
    await database.close()
    with pytest.raises(SettingsError, match="did not create"):
        await demo.begin_anew(_url(tmp_path / "kaika.db"))
