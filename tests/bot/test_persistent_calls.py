"""The start waits for Telegram, whatever answers in its place."""

import asyncio
from collections.abc import Mapping
from pathlib import Path
from typing import Any

import pytest
from pydantic import SecretStr
from telegram import Bot
from telegram.error import InvalidToken, NetworkError

from bot.app import Kaika
from bot.settings import Settings
from bot.telegram import persistent_calls, rate_limiter
from bot.telegram.persistent_calls import PersistentCaller
from sandbox.engine import Engine
from sandbox.server import serve
from tests.bot.kaika_program import free_port
from tests.bot.test_poller import Answer, ScriptedRequest, error
from tests.bot_harness import TOKEN

ME = b'{"ok": true, "result": {"id": 1, "is_bot": true, "first_name": "K", "username": "k_bot"}}'


@pytest.fixture(autouse=True)
def _no_waiting(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(persistent_calls, "_FIRST_WAIT", 0.0)
    monkeypatch.setattr(rate_limiter, "_MAX_NETWORK_RETRIES", 0)


async def begin(*answers: Answer) -> Bot:
    """Start a bot that gets scripted answers; it is stopped when there are no more."""
    request, stop = ScriptedRequest(*answers), asyncio.Event()
    request.at_end = stop.set
    bot = Bot(TOKEN, request=request, get_updates_request=request)
    await asyncio.wait_for(PersistentCaller(request, bot.base_url, stop).call(bot.initialize), 10)
    return bot


@pytest.mark.parametrize(
    "answer",
    [
        NetworkError("gone"),
        OSError("gone"),
        (200, b"<html>"),
        (200, b"[]"),
        (200, b'{"ok": true}'),
        (200, b'{"ok": true, "result": []}'),
        (200, b'{"ok": true, "result": {"id": 1}}'),
        error(400),
        error(409),
        error(500),
        (404, b"<html>"),
    ],
)
async def test_a_start_outlives_every_odd_answer(answer: Answer) -> None:
    bot = await begin(answer, answer, answer, (200, ME), (200, ME))
    assert bot.username == "k_bot"


async def test_a_start_ends_where_telegram_says_twice_that_the_token_is_unknown() -> None:
    with pytest.raises(InvalidToken):
        await begin(error(401), error(401), error(401))
    bot = await begin(error(401), (404, b"<html>"), (200, ME))
    assert bot.username == "k_bot"


async def test_a_start_that_waits_can_be_stopped() -> None:
    await begin(error(500))


class FirstAnswer:
    """An observer of a sandbox that notices the first message of the bot."""

    def __init__(self) -> None:
        self.seen = asyncio.Event()

    def on_call(self, method: str, _params: Mapping[str, object], _envelope: Any) -> None:
        """Notice a message."""
        if method == "sendMessage":
            self.seen.set()

    def on_update(self, update: Any) -> None:
        """Do nothing."""


async def test_a_bot_that_was_started_before_its_telegram_begins_by_itself(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    has_failed, wait = asyncio.Event(), PersistentCaller._wait

    async def wait_and_tell(self: PersistentCaller, failures: int, error: Exception) -> None:
        has_failed.set()
        await wait(self, failures, error)

    monkeypatch.setattr(PersistentCaller, "_wait", wait_and_tell)
    port, answer, engine = free_port(), FirstAnswer(), Engine(TOKEN)
    engine.observe(answer)
    engine.add_person("Anna", "en").send("how much does the card cost")
    base_url = f"http://127.0.0.1:{port}/bot"
    token = SecretStr(TOKEN)
    kaika = Kaika(Settings(bot_token=token, base_url=base_url, data_dir=tmp_path, loopback_port=0))
    running = asyncio.create_task(kaika.run())
    await asyncio.wait_for(has_failed.wait(), 60)
    sandbox = await serve(engine, "page-token", port=port)
    await asyncio.wait_for(answer.seen.wait(), 60)
    kaika.stop()
    await asyncio.wait_for(running, 60)
    await sandbox.close()
