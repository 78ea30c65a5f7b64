"""`kaika demo`: the bot on the sandbox, in one process, over HTTP as to Telegram."""

import asyncio
import secrets
import signal
from contextlib import suppress

from pydantic import SecretStr
from rich.console import Console
from sqlalchemy import delete, inspect
from sqlalchemy.ext.asyncio import AsyncConnection

from bot import logs
from bot import settings as settings_module
from bot.app import Kaika
from bot.sandbox.engine import Engine
from bot.sandbox.server import RunningSandbox, serve
from bot.settings import Settings, SettingsError
from services.storage.database import Database
from services.storage.models import Base, Fact
from services.storage.upgrade import upgrade

_MARK = "created_by_sandbox"
_PEOPLE = (("Daniel", "en"), ("阿芳", "zh-hant"), ("小李", "zh-hans"), ("Linh", "vi"))
_NOT_OURS = (
    "KAIKA_DATABASE_URL names a database that the sandbox did not create, so it is left alone; "
    "unset it for the demo"
)
_console = Console(stderr=True)


async def run(port: int) -> None:
    """Run the sandbox with the bot on it until SIGINT or SIGTERM; every start begins anew.

    :raises SettingsError: when the database is not one of the sandbox's.
    """
    token = f"{100_000_000 + secrets.randbelow(900_000_000)}:{secrets.token_urlsafe(32)}"
    sandbox = await _serve(_peopled(Engine(token)), port)
    try:
        settings = _settings(token, sandbox.api_url)
        logs.configure(settings.log_level, settings.log_format, settings.secrets())
        await begin_anew(settings.database)
        kaika = Kaika(settings)
        loop = asyncio.get_running_loop()
        for number in (signal.SIGINT, signal.SIGTERM):
            loop.add_signal_handler(number, kaika.stop)
        _console.print("\n[bold]Kaika is ready.[/] Open this address in a browser:")
        _console.print(f"\n    {sandbox.page_url}\n", markup=False, highlight=False, soft_wrap=True)
        _console.print("Stop with Ctrl-C. Nothing here reaches Telegram or a real authority.\n")
        await kaika.run()
    finally:
        await sandbox.close()


def _peopled(engine: Engine) -> Engine:
    """Let a few people and groups be there from the start."""
    everybody = [engine.person(name, code) for name, code in _PEOPLE]
    engine.group("New in Taiwan", everybody)
    engine.group("Support staff 客服", everybody[:1], is_forum=True, bot_is_admin=True)
    return engine


async def _serve(engine: Engine, port: int) -> RunningSandbox:
    page_token = secrets.token_urlsafe(24)
    with suppress(OSError):  # somebody has the usual port; any other will do
        return await serve(engine, page_token, port=port)
    return await serve(engine, page_token)


def _settings(token: str, api_url: str) -> Settings:
    given = settings_module.load()
    database = given.database_url or f"sqlite+aiosqlite:///{given.data_dir / 'sandbox.db'}"
    return given.model_copy(
        update={
            "bot_token": SecretStr(token),
            "base_url": f"{api_url}/bot",
            "database_url": database,
            "authority": "embedded",
            "webhook_url": None,
            "loopback_port": 0,
        }
    )


async def begin_anew(url: str) -> None:
    """Empty the sandbox's database, since its chats begin anew too.

    :raises SettingsError: when the sandbox did not create it; nothing in it is touched.
    """
    database = Database(url)
    try:
        async with database.engine.begin() as connection:
            is_ours = await _is_ours(connection)
        if not is_ours:
            raise SettingsError([_NOT_OURS])
        await upgrade(database)
        async with database.unit_of_work() as session:
            for table in reversed(Base.metadata.sorted_tables):
                await session.execute(delete(table))
            session.add(Fact(name=_MARK, value="yes"))
    finally:
        await database.close()


async def _is_ours(connection: AsyncConnection) -> bool:
    """Tell whether a database is empty or bears the sandbox's mark."""
    tables = await connection.run_sync(lambda sync: inspect(sync).get_table_names())
    if not tables:
        return True
    if Fact.__tablename__ not in tables:
        return False
    found = await connection.execute(Fact.__table__.select().where(Fact.name == _MARK))
    return found.first() is not None
