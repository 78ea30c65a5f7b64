"""The settings file holds the server's address and the language, and nothing brings it down."""

import json
from pathlib import Path

import pytest

from reader_bridge.app import config
from reader_bridge.app.address import parse_address
from reader_bridge.app.config import AppConfig
from reader_bridge.app.options import CommandOptions, choose_language, remember, server_address


@pytest.fixture(autouse=True)
def _home(monkeypatch: pytest.MonkeyPatch, tmp_path: Path) -> None:
    monkeypatch.setenv("XDG_CONFIG_HOME", str(tmp_path / "config"))
    for name in ("LC_ALL", "LC_MESSAGES", "LANG"):
        monkeypatch.delenv(name, raising=False)


def test_the_address_and_the_language_are_kept_and_nothing_else() -> None:
    remember(parse_address("kaika.example"), "zh_Hant")
    assert json.loads(config.config_path().read_text()) == {
        "server": "wss://kaika.example/bridge/v1",
        "language": "zh_Hant",
    }
    assert server_address(CommandOptions()) == parse_address("kaika.example")
    assert choose_language(None) == "zh_Hant"


def test_one_is_kept_without_the_other_being_lost() -> None:
    remember(parse_address("kaika.example"), None)
    remember(None, "zh_Hant")
    assert config.load_config() == AppConfig("wss://kaika.example/bridge/v1", "zh_Hant")


def test_what_is_on_the_command_line_wins() -> None:
    remember(parse_address("kaika.example"), "zh_Hant")
    assert server_address(CommandOptions(server="ws://localhost:1")) == parse_address(
        "ws://localhost:1"
    )
    assert choose_language("en") == "en"


@pytest.mark.parametrize(
    "content",
    [
        b"",
        b"nonsense",
        b"[]",
        b"\xff\xfe",
        b'{"server": 5, "language": "xx"}',
        b'{"server": null}',
        b"[" * 100_000,
        b'{"server": "' + b"x" * 10_000 + b'"}',
    ],
)
def test_a_broken_file_counts_as_none(content: bytes) -> None:
    config.config_path().parent.mkdir(parents=True)
    config.config_path().write_bytes(content)
    assert config.load_config() == AppConfig()
    assert server_address(CommandOptions()) is None


def test_an_unsafe_address_in_the_file_is_not_dialled() -> None:
    config.save_config(AppConfig("ws://evil.example", None))
    assert server_address(CommandOptions()) is None


def test_a_place_that_cannot_be_written_to_is_no_error(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("XDG_CONFIG_HOME", "/proc/nowhere")
    remember(parse_address("kaika.example"), "en")
    assert config.load_config() == AppConfig()


@pytest.mark.parametrize(
    ("tag", "language"), [("zh_TW.UTF-8", "zh_Hant"), ("C", "en"), ("de_DE.UTF-8", "en")]
)
def test_without_a_choice_it_speaks_the_systems_language(
    monkeypatch: pytest.MonkeyPatch, tag: str, language: str
) -> None:
    monkeypatch.setenv("LANG", tag)
    assert choose_language(None) == language
