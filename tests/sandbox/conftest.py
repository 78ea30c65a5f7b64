"""A sandbox under a clock that is moved by hand, checked by the oracle."""

from collections.abc import Iterator
from datetime import UTC, datetime, timedelta
from typing import Any

import pytest

from sandbox.client.telegram_client import TelegramClient
from sandbox.engine import Engine
from sandbox.world.file_store import UploadedFile
from tests.bot_api_oracle import Oracle

TOKEN = "123456:TEST"


class ManualClock:
    """Where the time comes from."""

    def __init__(self) -> None:
        self.now = datetime(2025, 1, 15, 12, tzinfo=UTC)

    def __call__(self) -> datetime:
        return self.now

    def advance(self, **duration: float) -> None:
        self.now += timedelta(**duration)


class BotCaller:
    """Calls the Bot API as the bot does."""

    def __init__(self, engine: Engine) -> None:
        self.engine = engine

    async def call(
        self, method: str, files: dict[str, UploadedFile] | None = None, /, **params: object
    ) -> Any:
        """Make a call that works, and return its result."""
        envelope = await self.engine.call(method, params, files)
        assert envelope["ok"], envelope
        return envelope["result"]

    async def call_refused(self, method: str, **params: object) -> str:
        """Make a call that is refused, and return Telegram's words."""
        envelope = await self.engine.call(method, params)
        assert not envelope["ok"], envelope
        return str(envelope["description"])

    async def send(self, person: TelegramClient, text: str, **params: object) -> Any:
        """Send a text to a person."""
        return await self.call("sendMessage", chat_id=person.id, text=text, **params)

    async def take_updates(self) -> list[Any]:
        """Return all new updates as (kind, payload), and confirm them."""
        batch = await self.call("getUpdates")
        if batch:
            await self.call("getUpdates", offset=batch[-1]["update_id"] + 1)
        return [
            next((kind, payload) for kind, payload in update.items() if kind != "update_id")
            for update in batch
        ]


def inline_keyboard(*rows: list[tuple[str, str]]) -> dict[str, Any]:
    """Return an inline keyboard of (text, callback data)."""
    return {
        "inline_keyboard": [
            [{"text": text, "callback_data": data} for text, data in row] for row in rows
        ]
    }


@pytest.fixture
def clock() -> ManualClock:
    return ManualClock()


@pytest.fixture
def engine(clock: ManualClock) -> Iterator[Engine]:
    engine = Engine(TOKEN, "kaika_test_bot", clock)
    oracle = Oracle.attach(engine, every_call=False)
    yield engine
    oracle.verify()


@pytest.fixture
def bot(engine: Engine) -> BotCaller:
    return BotCaller(engine)


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
