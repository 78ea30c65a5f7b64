"""The demo starts empty each time, and only on a database of its own."""

import sqlite3
import stat
from pathlib import Path

import pytest
from pydantic import SecretStr

from bot import settings as settings_module
from bot.cli import demo
from bot.settings import Settings, SettingsError, sandbox_folder
from services.storage.database import Database
from services.storage.ownership import own_briefly
from services.storage.upgrade import upgrade


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
    settings = _settings(tmp_path / "kaika.db")
    database = Database(settings.database)
    await upgrade(database)
    await database.close()
    with pytest.raises(SettingsError, match="did not create"):
        await demo.reset_sandbox(settings)


async def test_a_second_one_in_a_folder_names_the_address_of_the_first_and_touches_nothing(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("KAIKA_DATA_DIR", str(tmp_path))
    settings = _settings(tmp_path / "kaika.db")
    assert settings.data_dir == sandbox_folder(settings_module.load_settings())
    await demo.reset_sandbox(settings)
    settings.key_file.write_text("of the first")
    address = "http://127.0.0.1:8080/?token=of-the-first"
    with demo._lock_folder(settings.data_dir, address), pytest.raises(SettingsError) as refused:
        await demo.run(0)
    assert address in str(refused.value)
    assert settings.key_file.read_text() == "of the first"


async def test_a_database_that_a_sandbox_in_another_folder_uses_is_left_alone(
    tmp_path: Path,
) -> None:
    settings = _settings(tmp_path / "sandbox.db")
    await demo.reset_sandbox(settings)
    database = Database(settings.database)
    async with own_briefly(database) as is_owner:
        assert is_owner
        with pytest.raises(SettingsError, match="another sandbox is using"):
            await demo.reset_sandbox(settings)
    await database.close()
    await demo.reset_sandbox(settings)
