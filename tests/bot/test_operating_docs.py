"""The pages for operators tell of everything there is."""

import re
from pathlib import Path

import pytest

from bot import audit_cli, counter, person_cli
from bot.settings import PREFIX, Settings

DOCS = Path(__file__).parent.parent.parent / "docs"


def test_every_setting_is_told_of_and_none_besides() -> None:
    told = set(re.findall(rf"`({PREFIX}[A-Z_]+)`", (DOCS / "operating.md").read_text()))
    known = {PREFIX + name.upper() for name in Settings.model_fields}
    assert told - {f"{PREFIX}CARD_PASSPHRASE"} == known


@pytest.mark.parametrize(
    ("group", "app"),
    [("counter", counter.app), ("audit", audit_cli.app), ("person", person_cli.app)],
)
def test_every_command_is_told_of(group: str, app: object) -> None:
    page = (DOCS / "counter.md").read_text()
    commands = getattr(app, "registered_commands")  # noqa: B009
    for command in commands:
        name = (command.name or command.callback.__name__).rstrip("_")
        assert f"`{group} {name}" in page, name
