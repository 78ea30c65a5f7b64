"""A sandbox under a clock that only moves when told to, and an oracle that sees everything."""

from collections.abc import Iterator
from datetime import UTC, datetime, timedelta
from typing import Any

import pytest

from sandbox.client.telegram_client import TelegramClient
from sandbox.engine import Engine
from sandbox.world.file_store import UploadedFile
from tests.oracle import Oracle

TOKEN = "123456:TEST"


class Clock:
    """Where the time comes from."""

    def __init__(self) -> None:
        self.time = datetime(2025, 1, 15, 12, tzinfo=UTC)

    def __call__(self) -> datetime:
        return self.time

    def advance(self, **duration: float) -> None:
        self.time += timedelta(**duration)


class Bot:
    """The bot's side of the engine, in the words of a test."""

    def __init__(self, engine: Engine) -> None:
        self.engine = engine

    async def ok(
        self, method: str, files: dict[str, UploadedFile] | None = None, /, **params: object
    ) -> Any:
        """Make a call that works, and give its result."""
        envelope = await self.engine.call(method, params, files)
        assert envelope["ok"], envelope
        return envelope["result"]

    async def refused(self, method: str, **params: object) -> str:
        """Make a call that is refused, and give Telegram's words."""
        envelope = await self.engine.call(method, params)
        assert not envelope["ok"], envelope
        return str(envelope["description"])

    async def says(self, person: TelegramClient, text: str, **params: object) -> Any:
        """Send a text to a person."""
        return await self.ok("sendMessage", chat_id=person.id, text=text, **params)

    async def updates(self) -> list[Any]:
        """Give all new updates as (kind, payload), and confirm them."""
        batch = await self.ok("getUpdates")
        if batch:
            await self.ok("getUpdates", offset=batch[-1]["update_id"] + 1)
        return [
            next((kind, payload) for kind, payload in update.items() if kind != "update_id")
            for update in batch
        ]


def keyboard(*rows: list[tuple[str, str]]) -> dict[str, Any]:
    """Give an inline keyboard of (text, callback data)."""
    return {
        "inline_keyboard": [
            [{"text": text, "callback_data": data} for text, data in row] for row in rows
        ]
    }


@pytest.fixture
def clock() -> Clock:
    return Clock()


@pytest.fixture
def engine(clock: Clock) -> Iterator[Engine]:
    engine = Engine(TOKEN, "kaika_test_bot", clock)
    oracle = Oracle.attach(engine, every_call=False)
    yield engine
    oracle.verify()


@pytest.fixture
def bot(engine: Engine) -> Bot:
    return Bot(engine)


@pytest.fixture
def ann(engine: Engine) -> TelegramClient:
    """Somebody who has started the bot."""
    ann = engine.add_person("Ann", "en", "ann_lee")
    ann.start()
    return ann


@pytest.fixture
def stranger(engine: Engine) -> TelegramClient:
    """Somebody who has not."""
    return engine.add_person("Bo", "zh-hant")
