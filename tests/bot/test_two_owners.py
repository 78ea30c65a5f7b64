"""Two bots with one database, of which one is frozen: never do both work on it."""

import signal
from collections.abc import AsyncIterator
from pathlib import Path

import pytest

from sandbox.engine import Engine
from sandbox.server import serve
from tests.bot.bot_process import BotProcess
from tests.bot.running_bot import AskingPeople
from tests.bot_harness import TOKEN
from tests.services.authority.conftest import _emptied
from tests.services.authority.postgres import TEST_DATABASE, PostgresServer

LOST = 2
"""Exit status of a process from which another has taken over."""


@pytest.fixture
async def telegram() -> AsyncIterator[tuple[AskingPeople, str]]:
    """People, and the address of the Telegram that they use."""
    engine = Engine(TOKEN)
    sandbox = await serve(engine, "page-token")
    people = AskingPeople(engine)
    people.add_people(3)
    yield people, sandbox.api_url
    await sandbox.close()


async def test_on_sqlite_a_second_one_waits_for_a_frozen_owner_and_says_so(
    telegram: tuple[AskingPeople, str], migrated_file: Path, tmp_path: Path
) -> None:
    people, api_url = telegram
    path = tmp_path / "kaika.db"
    path.write_bytes(migrated_file.read_bytes())
    url = f"sqlite+aiosqlite:///{path}"
    async with BotProcess.running(api_url, url, tmp_path) as owner:
        await owner.has_health("ok")
        owner.send(signal.SIGSTOP)
        people.ask()
        async with BotProcess.running(api_url, url, tmp_path) as other:
            waiting = await other.has_health("waiting")
            assert waiting["owner"].endswith(f":{owner.process.pid}")
            (said,) = other.log_lines("another_process_owns_the_database")
            assert said["owner"] == waiting["owner"]
            owner.send(signal.SIGCONT)
            await people.is_answered()
            assert (await owner.report_health())[1]["status"] == "ok"
            await other.has_health("waiting")
            owner.send(signal.SIGKILL)
            people.ask()
            await people.is_answered()
            await other.has_health("ok")
            other.send(signal.SIGTERM)
            assert await other.wait() == 0


async def test_on_postgresql_a_second_one_takes_over_from_a_frozen_owner_which_then_ends(
    telegram: tuple[AskingPeople, str], postgres: PostgresServer, tmp_path: Path
) -> None:
    people, api_url = telegram
    url = await _emptied(postgres.url(TEST_DATABASE))
    epoch = "SELECT epoch FROM ownership"
    folder = tmp_path / "data"
    async with BotProcess.running(api_url, url, folder) as owner:
        await owner.has_health("ok")
        first = postgres.query(TEST_DATABASE, epoch)
        async with BotProcess.running(api_url, url, folder) as other:
            await other.has_health("waiting")
            people.ask(5)
            owner.send(signal.SIGSTOP)
            await other.has_health("ok")
            await people.is_answered()
            second = postgres.query(TEST_DATABASE, epoch)
            assert int(second) > int(first)
            owner.send(signal.SIGCONT)
            assert await owner.wait() == LOST
            assert "another process" in owner.read_log()
            people.ask()
            await people.is_answered()
            assert postgres.query(TEST_DATABASE, epoch) == second
            failed = "SELECT count(*) FROM inbox WHERE state = 'failed'"
            assert postgres.query(TEST_DATABASE, failed) == "0"
            other.send(signal.SIGTERM)
            assert await other.wait() == 0
