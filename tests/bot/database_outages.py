"""Outages of the database beneath the program itself, with how long everything took.

On demand: ``python -m tests.bot.database_outages``. For each outage it prints the seconds until
the health said so, until somebody was answered after the database's return, and until a stop
in the middle of the outage had ended. It fails where one of them takes longer than promised.
"""

import argparse
import asyncio
import shutil
import signal
import sqlite3
import tempfile
from collections.abc import AsyncIterator, Awaitable, Callable
from contextlib import AbstractAsyncContextManager, asynccontextmanager
from functools import partial
from pathlib import Path
from time import monotonic

from sandbox.engine import Engine
from sandbox.server import serve
from services.storage.database import Database
from services.storage.upgrade import upgrade
from tests.bot.bot_process import BotProcess
from tests.bot.running_bot import AskingPeople
from tests.bot_harness import TOKEN
from tests.services.authority.postgres import SAFE, PostgresServer
from tests.tcp_proxy import TcpProxy

HEALTH_SECONDS, RETURN_SECONDS, STOP_SECONDS = 10.0, 5.0, 10.0
"""What is promised."""
PEOPLE = 5
Outage = Callable[[], AbstractAsyncContextManager[None]]
StartBot = Callable[[], AbstractAsyncContextManager[BotProcess]]


@asynccontextmanager
async def _stopped(server: PostgresServer, how: Callable[[], None]) -> AsyncIterator[None]:
    """The server ends, and is started again afterwards."""
    await asyncio.to_thread(how)
    try:
        yield
    finally:
        server.launch()
        await asyncio.to_thread(server.wait_until_ready)


@asynccontextmanager
async def _frozen(server: PostgresServer) -> AsyncIterator[None]:
    """Every process of the server stands still; its sockets stay open."""
    server.freeze()
    try:
        yield
    finally:
        server.thaw()


@asynccontextmanager
async def _silent(proxy: TcpProxy) -> AsyncIterator[None]:
    """The network passes nothing on, in either direction."""
    proxy.be_silent()
    try:
        yield
    finally:
        proxy.speak()


@asynccontextmanager
async def _locked(path: Path) -> AsyncIterator[None]:
    """Another program holds SQLite's lock."""
    other = sqlite3.connect(path)
    for _ in range(100):
        try:
            other.execute("BEGIN IMMEDIATE")
            break
        except sqlite3.OperationalError:
            await asyncio.sleep(0.01)
    try:
        yield
    finally:
        other.close()


async def _measure(
    name: str, start: StartBot, outage: Outage, people: AskingPeople, seconds: float
) -> None:
    """Measure one kind of outage, and print it."""
    async with start() as bot:
        await bot.has_health("ok")
        people.ask()
        await people.is_answered()
        async with outage():
            people.ask(2)
            noticed = await _time(bot.has_health("failing", "database: "))
            await asyncio.sleep(max(0.0, seconds - noticed))
        returned = await _time(people.is_answered())
        healthy = await _time(bot.has_health("ok"))
        async with outage():
            people.ask()
            await bot.has_health("failing", "database: ")
            bot.send(signal.SIGTERM)
            stopped = await _time(bot.wait())
    async with outage(), start() as bot:
        await bot.has_health("failing", "database: ")
        bot.send(signal.SIGTERM)
        stopped_at_start = await _time(bot.wait())
    async with start() as bot:
        await people.is_answered()
    print(  # noqa: T201
        f"{name:24} noticed {noticed:5.1f}  answered {returned:5.1f}  healthy "
        f"{returned + healthy:5.1f}  stopped {stopped:5.1f}  stopped at start "
        f"{stopped_at_start:5.1f}",
        flush=True,
    )
    assert noticed <= HEALTH_SECONDS, name
    assert returned <= RETURN_SECONDS, name
    assert max(stopped, stopped_at_start) <= STOP_SECONDS, name


async def _time(work: Awaitable[object]) -> float:
    begun = monotonic()
    await work
    return monotonic() - begun


async def measure_all(server: PostgresServer, folder: Path, seconds: float) -> None:
    """Measure every outage on both databases, each for some seconds."""
    engine = Engine(TOKEN)
    people = AskingPeople(engine)
    people.add_people(PEOPLE)
    path = folder / "kaika.db"
    sandbox = await serve(engine, "page-token")
    run = partial(BotProcess.running, sandbox.api_url)
    print("seconds", flush=True)  # noqa: T201
    try:
        async with TcpProxy.running(server.port) as proxy:
            for url in (server.url("outages"), f"sqlite+aiosqlite:///{path}"):
                database = Database(url)
                await upgrade(database)
                await database.close()
            through = f"postgresql+asyncpg://kaika@127.0.0.1:{proxy.port}/outages"
            direct = partial(run, server.url("outages"), folder / "postgresql")
            outages: dict[str, tuple[StartBot, Outage]] = {
                "PostgreSQL, restart": (direct, partial(_stopped, server, server.stop)),
                "PostgreSQL, crash": (direct, partial(_stopped, server, server.crash)),
                "PostgreSQL, frozen": (direct, partial(_frozen, server)),
                "PostgreSQL, silent line": (
                    partial(run, through, folder / "postgresql"),
                    partial(_silent, proxy),
                ),
                "SQLite, locked": (
                    partial(run, f"sqlite+aiosqlite:///{path}", folder / "sqlite"),
                    partial(_locked, path),
                ),
            }
            for name, (start, outage) in outages.items():
                await _measure(name, start, outage, people, seconds)
    finally:
        await sandbox.close()


def main() -> None:
    """Measure on a server of its own."""
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("seconds", type=float, nargs="?", default=30.0, help="of each outage")
    seconds = parser.parse_args().seconds
    folder = Path(tempfile.mkdtemp(prefix="kaika-outages-"))
    server = PostgresServer(SAFE)
    try:
        server.create("outages")
        asyncio.run(measure_all(server, folder, seconds))
    finally:
        server.thaw()
        server.stop()
        shutil.rmtree(server.folder)
        shutil.rmtree(folder)


if __name__ == "__main__":
    main()
