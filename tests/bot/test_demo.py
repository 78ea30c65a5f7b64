"""The demo begins anew each time, and only ever on a database of its own."""

import sqlite3
import stat
from pathlib import Path

import pytest
from pydantic import SecretStr

from bot import settings as settings_module
from bot.cli import demo
from bot.settings import Settings, SettingsError


def _settings(path: Path) -> Settings:
    return Settings(
        data_dir=path.parent / "sandbox",
        database_url=f"sqlite+aiosqlite:///{path}",
        public_url="http://127.0.0.1:8443",
        ca_passphrase=SecretStr("of the sandbox only"),
    )


async def test_it_makes_its_database_and_empties_it_the_next_time(tmp_path: Path) -> None:
    path = tmp_path / "sandbox.db"
    settings = _settings(path)
    await demo.reset_sandbox(settings)
    with sqlite3.connect(path) as connection:
        connection.execute("INSERT INTO votes VALUES (1, 'fee', 'en', 1, '2026-11-23')")
    left = [settings.ca_key_file, settings.data_dir / "audit-head.bin"]
    for file in left:
        file.write_text("of the last sandbox")
    await demo.reset_sandbox(settings)
    with sqlite3.connect(path) as connection:
        assert connection.execute("SELECT count(*) FROM votes").fetchone() == (0,)
    assert not any(file.exists() for file in left)


async def test_commands_beside_it_find_its_settings(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("KAIKA_DATA_DIR", str(tmp_path))
    with pytest.raises(SettingsError, match="make demo"):
        settings_module.load_sandbox()
    settings = _settings(tmp_path / "sandbox.db")
    await demo.reset_sandbox(settings)
    found = settings_module.load_sandbox()
    assert found.database == settings.database
    assert found.data_dir == settings.data_dir
    assert found.ca_passphrase == settings.ca_passphrase
    assert (
        stat.S_IMODE((settings.data_dir / settings_module.SANDBOX_SETTINGS).stat().st_mode) == 0o600
    )


async def test_a_database_it_did_not_make_is_left_alone(tmp_path: Path) -> None:
    path = tmp_path / "kaika.db"
    with sqlite3.connect(path) as connection:
        connection.execute("CREATE TABLE precious (x)")
        connection.execute("INSERT INTO precious VALUES (1)")
    with pytest.raises(SettingsError, match="did not create"):
        await demo.reset_sandbox(_settings(path))
    with sqlite3.connect(path) as connection:
        assert connection.execute("SELECT count(*) FROM precious").fetchone() == (1,)


async def test_a_database_of_the_real_bot_is_left_alone(tmp_path: Path) -> None:
    from services.storage.database import Database
    from services.storage.upgrade import upgrade

    settings = _settings(tmp_path / "kaika.db")
    database = Database(settings.database)
    await upgrade(database)
    await database.close()
    with pytest.raises(SettingsError, match="did not create"):
        await demo.reset_sandbox(settings)
