"""The whole bot while its database fails: nothing is lost, the health is true, and it goes on."""

import asyncio
import sqlite3
import sys
from pathlib import Path

import pytest

from bot.stop_deadline import CUT_SHORT_STATUS
from services.storage import engine, sqlite_connection
from tests.bot.kaika_program import ROOT
from tests.bot.running_bot import run_bot_on
from tests.patience import PATIENCE
from tests.services.authority.conftest import _emptied
from tests.services.authority.postgres import TEST_DATABASE, PostgresServer
from tests.tcp_proxy import TcpProxy

PEOPLE = 5
SLOW_STOP = """
import asyncio, sys, time
from bot import stop_deadline

async def main():
    stop_deadline.STOP_SECONDS = 0.2
    stop_deadline.stop_on_signals(stop_deadline.StopDeadline().start)
    print("ready", flush=True)
    if sys.argv[1] == "blocked":
        await asyncio.sleep(0.1)
        time.sleep(60)
    await asyncio.Event().wait()

asyncio.run(main())
"""


@pytest.fixture
def quick_limits(monkeypatch: pytest.MonkeyPatch) -> None:
    """Have nothing wait for long."""
    limits = engine.OWNER_LIMITS
    monkeypatch.setattr("bot.app.OWNER_LIMITS", engine.Limits(1.5, {**limits.settings}))
    monkeypatch.setattr("bot.health._SILENCE_SECONDS", 0.2)
    monkeypatch.setattr("bot.health._PROBE_SECONDS", 0.1)


async def start(postgres: PostgresServer) -> None:
    """Start the server again and wait until it answers."""
    postgres.launch()
    await asyncio.to_thread(postgres.wait_until_ready)


def check_nothing_failed(postgres: PostgresServer) -> None:
    """No update was set aside."""
    states = postgres.query(TEST_DATABASE, "SELECT count(*) FROM inbox WHERE state = 'failed'")
    assert states == "0"


async def test_a_server_that_comes_late_is_killed_and_started_again_under_load(
    postgres: PostgresServer, tmp_path: Path
) -> None:
    url = await _emptied(postgres.url(TEST_DATABASE))
    await asyncio.to_thread(postgres.stop)
    async with run_bot_on(url, tmp_path) as bot:
        bot.add_people(PEOPLE)
        bot.ask()
        await bot.has_health("failing", "database: ")
        await start(postgres)
        await bot.is_answered()
        await bot.has_health("ok")
        for _ in range(5):
            bot.ask()
            await asyncio.to_thread(postgres.kill_backends, TEST_DATABASE)
        await bot.is_answered()
        bot.ask(2)
        postgres.crash()
        await bot.has_health("failing", "database: ")
        bot.ask()
        await start(postgres)
        await bot.is_answered()
        await bot.has_health("ok")
        check_nothing_failed(postgres)


@pytest.mark.usefixtures("quick_limits")
async def test_a_line_that_goes_silent_is_noticed_and_used_again_when_it_speaks(
    postgres: PostgresServer, tmp_path: Path
) -> None:
    await _emptied(postgres.url(TEST_DATABASE))
    async with TcpProxy.running(postgres.port) as proxy:
        url = f"postgresql+asyncpg://kaika@127.0.0.1:{proxy.port}/{TEST_DATABASE}"
        async with run_bot_on(url, tmp_path) as bot:
            bot.add_people(PEOPLE)
            bot.ask()
            await bot.is_answered()
            proxy.be_silent()
            bot.ask()
            await bot.has_health("failing", "database: ")
            proxy.cut()
            proxy.speak()
            await bot.is_answered()
            await bot.has_health("ok")
            check_nothing_failed(postgres)


@pytest.mark.usefixtures("quick_limits")
async def test_a_file_that_another_program_has_locked_is_waited_for(
    migrated_file: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    pragmas = [each for each in sqlite_connection.PRAGMAS if "busy_timeout" not in each]
    monkeypatch.setattr(sqlite_connection, "PRAGMAS", (*pragmas, "PRAGMA busy_timeout = 100"))
    path = tmp_path / "kaika.db"
    path.write_bytes(migrated_file.read_bytes())
    async with run_bot_on(f"sqlite+aiosqlite:///{path}", tmp_path) as bot:
        bot.add_people(PEOPLE)
        bot.ask()
        await bot.is_answered()
        with sqlite3.connect(path) as other:
            other.execute("BEGIN IMMEDIATE")
            bot.ask()
            await bot.has_health("failing", "database: database is locked")
        other.close()
        await bot.is_answered()
        await bot.has_health("ok")
        assert (await bot.kaika.inbox.count_by_state())["failed"] == 0


async def test_a_second_bot_waits_says_for_whom_and_takes_over(
    postgres: PostgresServer, tmp_path: Path
) -> None:
    url = await _emptied(postgres.url(TEST_DATABASE))
    async with run_bot_on(url, tmp_path) as owner:
        await owner.has_health("ok")
        async with run_bot_on(url, tmp_path) as other:
            await other.has_health("waiting")
            assert other.kaika.health.owner
            owner.kaika.stop()
            await other.has_health("ok")
            other.add_people(1)
            other.ask()
            await other.is_answered()


@pytest.mark.parametrize("is_blocked", ["waiting", "blocked"])
async def test_a_stop_that_takes_too_long_is_cut_short(is_blocked: str) -> None:
    pipe = asyncio.subprocess.PIPE
    process = await asyncio.create_subprocess_exec(
        *(sys.executable, "-c", SLOW_STOP, is_blocked), cwd=ROOT, stdout=pipe, stderr=pipe
    )
    assert process.stdout is not None
    assert await process.stdout.readline() == b"ready\n"
    process.terminate()
    out, _ = await asyncio.wait_for(process.communicate(), PATIENCE)
    assert b"stop_cut_short" in out
    assert process.returncode == CUT_SHORT_STATUS
