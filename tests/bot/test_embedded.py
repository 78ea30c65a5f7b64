"""The embedded authority behind the bot: what it refuses to start with."""

from datetime import UTC, datetime
from pathlib import Path
from typing import Any

import pytest
from pydantic import SecretStr

from bot.cli import demo_people
from bot.settings import Settings, SettingsError
from bot.wiring import embedded
from sandbox.engine import Engine
from sandbox.world.mailbox import MailboxTransport
from services.authority.ca.errors import CaKeyError
from services.storage.database import Database
from services.storage.keys import load_or_create
from services.storage.models import DatabaseFact
from services.storage.upgrade import upgrade
from tests.bot_harness import CHEAP

_CA: dict[str, Any] = {
    "ca_passphrase": SecretStr("long enough to be one"),
    "public_url": "http://ca.example",
}


async def _opens(engine: Engine, settings: Settings, *, with_mail: bool = True) -> None:
    database = Database(settings.database)
    try:
        await upgrade(database)
        keys, mail = (
            load_or_create(settings.key_file),
            MailboxTransport(engine.world.mailbox) if with_mail else None,
        )
        now = datetime.now(UTC)
        async with embedded.open_embedded(settings, database, keys, now, mail, CHEAP) as opened:
            assert opened.authority.card_issuer.certificate_issuer
    finally:
        await database.close()


async def test_it_wants_a_passphrase_and_a_mail_server(engine: Engine, tmp_path: Path) -> None:
    with pytest.raises(SettingsError, match="KAIKA_CA_PASSPHRASE is missing"):
        await _opens(engine, Settings(data_dir=tmp_path))
    with pytest.raises(SettingsError, match="KAIKA_SMTP_HOST is missing"):
        await _opens(engine, Settings(data_dir=tmp_path, **_CA), with_mail=False)


async def test_the_next_start_needs_the_same_passphrase(engine: Engine, tmp_path: Path) -> None:
    await _opens(engine, Settings(data_dir=tmp_path, **_CA))
    await _opens(engine, Settings(data_dir=tmp_path, **_CA))
    other = {**_CA, "ca_passphrase": SecretStr("another passphrase")}
    with pytest.raises(CaKeyError):
        await _opens(engine, Settings(data_dir=tmp_path, **other))


async def test_demo_people_never_meet_the_real_telegram(engine: Engine, tmp_path: Path) -> None:
    real = Settings(data_dir=tmp_path, **_CA)
    await _opens(engine, real)
    database = Database(real.database)
    async with database.unit_of_work() as session:
        session.add(DatabaseFact(name=demo_people.FACT_NAME, value="filled"))
    await database.close()
    with pytest.raises(SettingsError, match="demo people"):
        await _opens(engine, real)
    await _opens(engine, Settings(data_dir=tmp_path, base_url="http://127.0.0.1:1/bot", **_CA))
