"""A terminal at the counter, in which staff type commands."""

import json
from dataclasses import dataclass, field
from datetime import datetime
from typing import Any

import typer
from typer.testing import CliRunner, Result

from bot.cli import audit, inbox, key_rotation, outbox, person
from bot.cli.authority_session import CommandDependencies
from bot.cli.backup import commands as backup
from bot.cli.counter import commands
from bot.settings import Settings
from services.authority.embedded.credentials.hashing import Argon2Hasher
from tests.services.authority.authority_harness import (
    CHEAP,
    NOW,
    FakeCardMaker,
    FakeIssuer,
    small_key,
)

app = typer.Typer()
app.add_typer(commands.app, name="counter")
app.add_typer(audit.app, name="audit")
app.add_typer(person.app, name="person")
app.add_typer(inbox.app, name="inbox")
app.add_typer(outbox.app, name="outbox")
app.add_typer(backup.app, name="backup")
db_app = typer.Typer()
db_app.command("rotate-key")(key_rotation.rotate_key)
app.add_typer(db_app, name="db")

UI = "A800000014"
PERSON = {
    "--name": "Nguyễn Văn An",
    "--ui-number": "ａ８００００００１４",
    "--birth-date": "79/5/17",
    "--email": "an@mail.example",
    "--address": "臺北市中正區忠孝東路一段1號",
}
APPLY = ("counter", "apply", *(part for pair in PERSON.items() for part in pair))


@dataclass
class Terminal:
    """A terminal at the counter."""

    settings: Settings
    now: datetime = NOW
    issuer: FakeIssuer | None = field(default_factory=FakeIssuer)
    maker: FakeCardMaker = field(default_factory=FakeCardMaker)

    def types(self, *words: str) -> Result:
        async def open_issuer(*_: object) -> FakeIssuer | None:
            return self.issuer

        parts = CommandDependencies(
            open_issuer=open_issuer,
            card_maker=self.maker,
            settings=lambda: self.settings,
            clock=lambda: self.now,
            hasher=lambda: Argon2Hasher(CHEAP),
            generate_key=small_key,
        )
        environment = {"KAIKA_CARD_PASSPHRASE": "of the card", "COLUMNS": "200"}
        return CliRunner().invoke(app, words, obj=parts, env=environment)

    def asks(self, *words: str) -> Any:
        """Type a command with --json, and give what it prints."""
        return json.loads(self.types(*words, "--json").stdout)
