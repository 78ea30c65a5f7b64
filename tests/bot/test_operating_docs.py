"""The pages for operators are complete."""

import re
from pathlib import Path

import pytest
from typer import Typer

from bot.cli import audit, inbox, outbox, person
from bot.cli.backup import commands as backup
from bot.cli.counter import commands as counter
from bot.settings import PREFIX, SECRET_SETTINGS, Settings

DOCS = Path(__file__).parent.parent.parent / "docs"


def test_every_setting_is_told_of_and_none_besides() -> None:
    documented = set(re.findall(rf"`({PREFIX}[A-Z_]+)`", (DOCS / "operating.md").read_text()))
    known = {PREFIX + name.upper() for name in Settings.model_fields}
    known |= {f"{PREFIX}{name.upper()}_FILE" for name in SECRET_SETTINGS}
    assert documented - {f"{PREFIX}CARD_PASSPHRASE"} == known


GROUPS = {
    "counter": ("counter.md", counter.app),
    "audit": ("counter.md", audit.app),
    "person": ("counter.md", person.app),
    "inbox": ("operating.md", inbox.app),
    "outbox": ("operating.md", outbox.app),
    "backup": ("operating.md", backup.app),
}


@pytest.mark.parametrize("group", GROUPS)
def test_every_command_is_told_of(group: str) -> None:
    file, app = GROUPS[group]
    page = (DOCS / file).read_text()
    for name in _names(app):
        assert f"`{group} {name}" in page, name


def _names(app: Typer) -> list[str]:
    commands = app.registered_commands
    return [one.name or str(getattr(one.callback, "__name__", "")) for one in commands]
