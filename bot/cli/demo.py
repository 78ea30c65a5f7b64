"""`kaika demo`: the bot on the sandbox in one process, connected by HTTP as to Telegram."""

import secrets
import shutil
import socket
from collections.abc import Iterator
from contextlib import AbstractAsyncContextManager, contextmanager, suppress
from datetime import UTC, datetime
from pathlib import Path

from pydantic import SecretStr
from rich.console import Console
from rich.table import Table
from sqlalchemy import delete, inspect
from sqlalchemy.ext.asyncio import AsyncConnection

from bot import logs
from bot import settings as settings_module
from bot.app import Kaika
from bot.cli import demo_people as demo_people
from bot.cli.demo_desk import DemoDesk
from bot.settings import PREFIX, SANDBOX_SETTINGS, Settings, SettingsError, sandbox_folder
from bot.stop_deadline import StopDeadline, stop_on_signals
from bot.wiring import embedded
from bot.wiring.embedded import EmbeddedServices
from sandbox.engine import Engine
from sandbox.server import RunningSandbox, serve
from sandbox.world.mailbox import MailboxTransport
from sandbox.world.world import SandboxOptions
from services.storage import private_files
from services.storage.database import Base, Database
from services.storage.keys import KeyRing
from services.storage.lock_file import LockFile
from services.storage.models import DatabaseFact
from services.storage.ownership import own_briefly
from services.storage.upgrade import upgrade
from services.supervisor import OwnedTasks

_MARK = "created_by_sandbox"
_PEOPLE = (("Daniel", "en"), ("阿芳", "zh-hant"), ("小李", "zh-hans"), ("Linh", "vi"))
_TEST_PROVIDER = SecretStr("284685063:TEST:sandbox")
_FOREIGN_DATABASE = (
    "KAIKA_DATABASE_URL names a database that the sandbox did not create, so it is left alone; "
    "unset it for the demo"
)
_DATABASE_IN_USE = (
    "KAIKA_DATABASE_URL names a database that another sandbox is using; stop it first"
)
_console = Console(stderr=True)


async def run(port: int, *, flood_limits: bool = False) -> None:
    """Run the bot on an empty sandbox until SIGINT or SIGTERM.

    :param flood_limits: whether the sandbox refuses too many messages, as Telegram does.
    :raises SettingsError: if the database was not created by the sandbox, or a sandbox runs in
        the same folder.
    """
    token = f"{100_000_000 + secrets.randbelow(900_000_000)}:{secrets.token_urlsafe(32)}"
    engine = _add_chat_people(Engine(token, options=SandboxOptions(flood_limits=flood_limits)))
    desk = DemoDesk.add_to(engine)
    sandbox = await _serve(engine, port)
    try:
        settings = _settings(token, sandbox.api_url, desk)
        with _lock_folder(settings.data_dir, sandbox.page_url):
            await _run_in_folder(settings, sandbox, engine, desk)
    finally:
        await sandbox.close()


@contextmanager
def _lock_folder(folder: Path, address: str) -> Iterator[None]:
    """Keep other sandboxes out of a folder while the block runs.

    :raises SettingsError: with the address of the sandbox that runs there already.
    """
    lock = LockFile(folder / "sandbox.lock")
    if not lock.try_acquire(address):
        other = lock.read_note()
        where = f" at {other}" if other else ""
        raise SettingsError(
            [f"A sandbox runs in {folder} already{where}; open it, or stop it first"]
        )
    try:
        yield
    finally:
        lock.release()


async def _run_in_folder(
    settings: Settings, sandbox: RunningSandbox, engine: Engine, desk: DemoDesk
) -> None:
    logs.configure(settings.log_level, settings.log_format, settings.secrets())
    await reset_sandbox(settings)
    kaika = Kaika(settings, open_authority=_AuthorityOpener(engine))
    kaika.on_stop = StopDeadline().start
    stop_on_signals(kaika.stop)
    _console.print("\nMaking the demo people's cards, which takes some seconds …")
    await _add_card_people(settings)
    await _set_up_desk(settings, desk)
    _announce(sandbox, settings)
    tasks = OwnedTasks()
    tasks.start("demo desk", desk.let_people_ask())
    try:
        await kaika.run()
    finally:
        tasks.cancel()


async def _set_up_desk(settings: Settings, desk: DemoDesk) -> None:
    database = Database(settings.database)
    try:
        await desk.set_up(database, datetime.now(UTC))
    finally:
        await database.close()


class _AuthorityOpener:
    """Opens the authority with its mails going to the sandbox's mail tab."""

    def __init__(self, engine: Engine) -> None:
        self._engine = engine

    def __call__(
        self, settings: Settings, database: Database, ring: KeyRing
    ) -> AbstractAsyncContextManager[EmbeddedServices]:
        mail = MailboxTransport(self._engine.world.mailbox)
        return embedded.open_embedded(settings, database, ring, datetime.now(UTC), mail)


async def _add_card_people(settings: Settings) -> None:
    """Add people in every state of the certificates, with their cards."""
    from bot.cli.authority_session import CommandDependencies, open_authority_session

    async with open_authority_session(CommandDependencies(settings=lambda: settings)) as session:
        folder = settings.data_dir / "cards"
        await demo_people.create_demo_people(
            session.authority, session.card_maker, folder, session.now
        )


def _announce(sandbox: RunningSandbox, settings: Settings) -> None:
    table = Table("name", "UI No.", "born", "code", "state")
    for one in demo_people.DEMO_PEOPLE:
        table.add_row(one.name, one.ui_number, str(one.born), one.code, one.now)
    _console.print(table)
    _console.print("\n[bold]Kaika is ready.[/] Open this address in a browser:")
    _console.print(f"\n    {sandbox.page_url}\n", markup=False, highlight=False, soft_wrap=True)
    _console.print(
        "The counter, in another terminal: [bold].venv/bin/kaika --sandbox counter list[/]\n"
        "The card in a reader on the PC, in one more (its passphrase is "
        f"{demo_people.PASSPHRASE.reveal()}, the PIN of those that are active "
        f"{demo_people.PIN}):"
    )
    card = settings.data_dir / "cards" / "john.card"
    server = f"ws://127.0.0.1:{settings.public_port}"
    _console.print(
        f'    make bridge ARGS="--server {server} --virtual-card {card}"',
        markup=False,
        highlight=False,
        soft_wrap=True,
    )
    _console.print("Stop with Ctrl-C. Nothing here reaches Telegram or a real authority.\n")


def _add_chat_people(engine: Engine) -> Engine:
    """Add a few people and a group of Telegram."""
    everybody = [engine.add_person(name, code) for name, code in _PEOPLE]
    engine.add_group("New in Taiwan", everybody)
    return engine


async def _serve(engine: Engine, port: int) -> RunningSandbox:
    page_token = secrets.token_urlsafe(24)
    with suppress(OSError):  # the port is taken; use any other
        return await serve(engine, page_token, port=port)
    return await serve(engine, page_token)


def _settings(token: str, api_url: str, desk: DemoDesk) -> Settings:
    given = settings_module.load_settings()
    folder = sandbox_folder(given).absolute()
    port = _free_port(given.public_port)
    return given.model_copy(
        update={
            "bot_token": SecretStr(token),
            "base_url": f"{api_url}/bot",
            "data_dir": folder,
            "database_url": given.database_url or f"sqlite+aiosqlite:///{folder / 'kaika.db'}",
            "authority": "embedded",
            "webhook_url": None,
            "loopback_port": 0,
            "public_host": "127.0.0.1",
            "public_port": port,
            "public_url": f"http://127.0.0.1:{port}",
            "ca_passphrase": SecretStr(secrets.token_urlsafe(24)),
            "payment_provider_token": _TEST_PROVIDER,
            "desk_admins": (desk.admin.id,),
        }
    )


def _free_port(wanted: int) -> int:
    """Return the wanted port, or another one if it is taken."""
    for port in (wanted, 0):
        with suppress(OSError), socket.create_server(("127.0.0.1", port)) as server:
            free: int = server.getsockname()[1]
            return free
    raise SettingsError([f"{PREFIX}PUBLIC_PORT: no port is free on this machine"])


async def reset_sandbox(settings: Settings) -> None:
    """Empty the sandbox's database and folder, since its chats start empty too.

    :raises SettingsError: if the sandbox did not create the database, which is left alone.
    """
    database = Database(settings.database)
    try:
        async with database.engine.begin() as connection:
            is_sandbox = await _is_sandbox_database(connection)
        if not is_sandbox:
            raise SettingsError([_FOREIGN_DATABASE])
        await upgrade(database)
        async with own_briefly(database) as is_owner:
            if not is_owner:
                raise SettingsError([_DATABASE_IN_USE])
            _clear_folder(settings.data_dir)
            await _clear_database(database)
    finally:
        await database.close()
    _write_sandbox_settings(settings)


async def _clear_database(database: Database) -> None:
    async with database.unit_of_work() as session:
        for table in reversed(Base.metadata.sorted_tables):
            await session.execute(delete(table))
        session.add(DatabaseFact(name=_MARK, value="yes"))


def _clear_folder(folder: Path) -> None:
    """Delete the files of the last sandbox beside its database."""
    shutil.rmtree(folder / "cards", ignore_errors=True)
    for name in ("keys.json", "ca.json", "record-keys.bin", "audit-head.bin", SANDBOX_SETTINGS):
        (folder / name).unlink(missing_ok=True)


def _write_sandbox_settings(settings: Settings) -> None:
    """Write the settings with which `kaika --sandbox …` works on the same authority."""
    assert settings.ca_passphrase is not None
    values = {
        "DATA_DIR": str(settings.data_dir),
        "DATABASE_URL": settings.database,
        "PUBLIC_URL": settings.public_url,
        "PUBLIC_PORT": str(settings.public_port),
        "CA_PASSPHRASE": settings.ca_passphrase.get_secret_value(),
    }
    file = settings.data_dir / SANDBOX_SETTINGS
    private_files.make_folder(file.parent)
    file.touch(mode=0o600)
    file.write_text("".join(f"{PREFIX}{name}='{value}'\n" for name, value in values.items()))


async def _is_sandbox_database(connection: AsyncConnection) -> bool:
    """Whether a database is empty or has the sandbox's mark."""
    tables = await connection.run_sync(lambda sync: inspect(sync).get_table_names())
    if not tables:
        return True
    if DatabaseFact.__tablename__ not in tables:
        return False
    found = await connection.execute(
        DatabaseFact.__table__.select().where(DatabaseFact.name == _MARK)
    )
    return found.first() is not None
