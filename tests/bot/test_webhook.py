"""Literal updates posted to the webhook's route."""

import io
from collections.abc import AsyncIterator
from typing import Any

import aiohttp
import orjson
import pytest
from structlog.testing import capture_logs

from bot.updates import webhook
from bot.web import listeners
from sandbox.client.telegram_client import TelegramClient
from services.storage.availability import DatabaseUnavailableError
from tests.bot_harness import BotHarness

SECRET = "a-secret-only-telegram-knows"
UPDATE = b"""
{"update_id": 10000,
 "message": {
   "date": 1441645532,
   "chat": {"last_name": "Nguyen", "id": 5400000001, "type": "private", "first_name": "Anna"},
   "message_id": 1365,
   "from": {"last_name": "Nguyen", "id": 5400000001, "first_name": "Anna", "is_bot": false,
            "language_code": "en"},
   "text": "how much does the card cost"}}
"""


@pytest.fixture
async def url(harness: BotHarness) -> AsyncIterator[str]:
    harness.add_user().person.start()  # the sandbox lets the bot write to who wrote first
    await harness.settle()
    app = listeners.public_app(webhook.webhook_routes("/telegram", SECRET, harness.kaika.intake))
    async with listeners.serve_app(app, "127.0.0.1", 0) as port:
        yield f"http://127.0.0.1:{port}/telegram"


async def _post(url: str, body: bytes, secret: str | None = SECRET) -> int:
    headers = {webhook.WEBHOOK_HEADER: secret} if secret is not None else {}
    async with (
        aiohttp.ClientSession() as session,
        session.post(url, data=io.BytesIO(body), headers=headers) as answer,
    ):
        return answer.status


def _answers(harness: BotHarness) -> list[str]:
    world = harness.engine.world
    person = TelegramClient(world, world.accounts[5400000001])
    return [m["text"] for m in person.transcript()["messages"] if m["from"]["is_bot"]]


async def test_an_update_is_stored_then_acknowledged_then_answered(
    harness: BotHarness, url: str
) -> None:
    assert await _post(url, UPDATE) == 200
    await harness.kaika.application.update_queue.join()
    assert "278" in _answers(harness)[-1]


async def test_a_repeated_update_is_acknowledged_and_answered_once(
    harness: BotHarness, url: str
) -> None:
    before = len(_answers(harness))
    assert [await _post(url, UPDATE) for _ in range(3)] == [200, 200, 200]
    await harness.kaika.application.update_queue.join()
    assert len(_answers(harness)) == before + 1


@pytest.mark.parametrize("secret", [None, "", "wrong", SECRET + "x", "統一"])
async def test_a_wrong_secret_is_refused(url: str, secret: str | None) -> None:
    encoded = secret.encode().decode("latin-1") if secret else secret
    assert await _post(url, UPDATE, encoded) == 403


async def test_wrong_secrets_are_one_line_in_the_log(url: str) -> None:
    with capture_logs() as logs:
        assert {await _post(url, UPDATE, f"wrong{n}") for n in range(20)} == {403}
        assert {await _post(url, b"{") for n in range(20)} == {400}
    assert [line["reason"] for line in logs] == ["secret", "not an update"]


@pytest.mark.parametrize(
    "body",
    [
        b"",
        b"{",
        b"null",
        b"[]",
        b'"x"',
        b"{}",
        b'{"update_id": "1"}',
        b'{"update_id": true}',
        b'{"update_id": -1}',
        b'{"update_id": 9223372036854775808}',
        b"\xff\xfe",
        b"[" * 100_000,
        b'{"update_id": 7, "message": {"text": "cut o',
    ],
)
async def test_what_is_no_update_is_refused(harness: BotHarness, url: str, body: bytes) -> None:
    assert await _post(url, body) == 400
    await harness.kaika.inbox.store([])  # writes what is still to be marked
    assert (await harness.kaika.inbox.count_by_state())["new"] == 0


async def test_too_large_a_body_is_refused(url: str) -> None:
    assert await _post(url, b'{"update_id": 1, "x": "' + b"x" * 2_000_000 + b'"}') == 413


async def test_other_methods_and_paths_are_not_there(url: str) -> None:
    async with aiohttp.ClientSession() as session:
        async with session.get(url, headers={webhook.WEBHOOK_HEADER: SECRET}) as answer:
            assert answer.status == 405
        async with session.post(url + "x", headers={webhook.WEBHOOK_HEADER: SECRET}) as answer:
            assert answer.status == 404


@pytest.mark.parametrize(
    "update",
    [
        {"update_id": 1},
        {"update_id": 2, "message": {}},
        {"update_id": 3, "message": {"message_id": "x", "date": "never", "chat": 7}},
        {"update_id": 4, "callback_query": None},
        {"update_id": 5, "something_new": {"a": 1}},
        {"update_id": 6, "message": {"message_id": 1, "date": 1e20, "chat": {"id": 1}}},
    ],
)
async def test_an_update_we_cannot_read_is_kept_from_coming_back(
    harness: BotHarness, url: str, update: dict[str, Any]
) -> None:
    assert await _post(url, orjson.dumps(update)) == 200
    await harness.kaika.application.update_queue.join()
    await harness.kaika.inbox.store([])
    counts = await harness.kaika.inbox.count_by_state()
    assert counts["new"] == 0
    assert await _post(url, UPDATE) == 200
    await harness.kaika.application.update_queue.join()
    assert "278" in _answers(harness)[-1], "the next one is answered all the same"


async def test_too_deep_a_backlog_asks_telegram_to_wait(harness: BotHarness, url: str) -> None:
    harness.kaika.intake.has_room.clear()
    assert await _post(url, UPDATE) == 503
    harness.kaika.intake.has_room.set()
    assert await _post(url, UPDATE) == 200


async def test_what_could_not_be_stored_is_not_acknowledged(
    harness: BotHarness, url: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    async def fail(_: object) -> None:
        raise DatabaseUnavailableError("disk full")

    with monkeypatch.context() as patch:
        patch.setattr(harness.kaika.inbox, "store", fail)
        assert await _post(url, UPDATE) == 503
    assert await _post(url, UPDATE) == 200


async def test_health_is_told_on_loopback(harness: BotHarness) -> None:
    health = harness.kaika.health
    async with (
        listeners.serve_app(listeners.health_app(health.report), "127.0.0.1", 0) as port,
        aiohttp.ClientSession() as session,
    ):
        url = f"http://127.0.0.1:{port}/healthz"
        async with session.get(url) as answer:
            state = await answer.json()
            assert (answer.status, state["status"]) == (503, "starting")
        health.phase = "ok"  # as once Telegram has answered
        async with session.get(url) as answer:
            state = await answer.json()
    assert (answer.status, state["status"]) == (200, "ok")
    assert state["inbox"] == {"new": 0, "done": 0, "failed": 0}
