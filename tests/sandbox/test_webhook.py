"""How updates reach the bot that has a webhook."""

import asyncio
from collections.abc import AsyncIterator
from typing import Any

import pytest
from aiohttp import web
from aiohttp.test_utils import TestServer

from sandbox.client.telegram_client import TelegramClient
from sandbox.engine import Engine
from tests.sandbox.conftest import BotCaller


class WebhookReceiver:
    """The bot's web server."""

    def __init__(self) -> None:
        self.got: asyncio.Queue[tuple[dict[str, Any], str | None]] = asyncio.Queue()
        self.answers: list[web.Response] = []
        self.hold: dict[int, asyncio.Event] = {}
        app = web.Application()
        app.router.add_post("/hook", self._receive)
        self.server = TestServer(app)

    @property
    def url(self) -> str:
        return str(self.server.make_url("/hook"))

    async def _receive(self, request: web.Request) -> web.Response:
        update = await request.json()
        secret = request.headers.get("X-Telegram-Bot-Api-Secret-Token")
        await self.got.put((update, secret))
        chat_id = update.get("message", {}).get("chat", {}).get("id", 0)
        if chat_id in self.hold:
            await self.hold[chat_id].wait()
        return self.answers.pop(0) if self.answers else web.Response()

    async def next_text(self) -> str:
        """Return the text of the next update that arrives."""
        async with asyncio.timeout(5):
            return str((await self.got.get())[0]["message"]["text"])


@pytest.fixture
async def receiver(engine: Engine) -> AsyncIterator[WebhookReceiver]:
    receiver = WebhookReceiver()
    await receiver.server.start_server()
    yield receiver
    await engine.close()
    await receiver.server.close()


async def test_updates_are_posted_with_the_secret_in_order(
    bot: BotCaller, ann: TelegramClient, receiver: WebhookReceiver
) -> None:
    await bot.call("setWebhook", url=receiver.url, secret_token="s3cret")
    ann.send("two")
    async with asyncio.timeout(5):
        (first, secret), (second, _) = [await receiver.got.get() for _ in range(2)]
    assert secret == "s3cret"
    assert [first["message"]["text"], second["message"]["text"]] == ["/start", "two"]


async def test_what_is_not_taken_comes_again(
    bot: BotCaller, ann: TelegramClient, receiver: WebhookReceiver
) -> None:
    receiver.answers = [web.Response(status=503)]
    await bot.call("setWebhook", url=receiver.url)
    assert [await receiver.next_text(), await receiver.next_text()] == ["/start", "/start"]
    info = await bot.call("getWebhookInfo")
    assert info["url"] == receiver.url
    assert info["last_error_message"] == "Wrong response from the webhook: 503 Service Unavailable"


async def test_a_redirect_is_no_answer(
    bot: BotCaller, ann: TelegramClient, receiver: WebhookReceiver
) -> None:
    receiver.answers = [web.Response(status=302, headers={"Location": receiver.url})]
    await bot.call("setWebhook", url=receiver.url)
    assert [await receiver.next_text(), await receiver.next_text()] == ["/start", "/start"]


async def test_one_chat_waits_and_another_does_not(
    bot: BotCaller,
    engine: Engine,
    ann: TelegramClient,
    stranger: TelegramClient,
    receiver: WebhookReceiver,
) -> None:
    receiver.hold[ann.id] = asyncio.Event()
    await bot.call("setWebhook", url=receiver.url)
    assert await receiver.next_text() == "/start"
    ann.send("later")
    stranger.send("now")
    assert await receiver.next_text() == "now"
    receiver.hold[ann.id].set()
    assert await receiver.next_text() == "later"


async def test_the_answer_may_hold_a_call(
    bot: BotCaller, ann: TelegramClient, receiver: WebhookReceiver
) -> None:
    call = {"method": "sendMessage", "chat_id": ann.id, "text": "at once"}
    receiver.answers = [web.json_response(call)]
    await bot.call("setWebhook", url=receiver.url)
    version = ann.transcript()["version"]
    await bot.engine.world.changes.signal.wait_for(
        lambda: bot.engine.world.changes.version > version or None, 5
    )
    assert ann.transcript()["messages"][-1]["text"] == "at once"


@pytest.mark.parametrize(
    ("body", "content_type"),
    [
        ("{", "application/json"),
        ("[]", "application/json"),
        ('{"method": "deleteWebhook"}', "application/json"),
        ("fine", "text/plain"),
    ],
)
async def test_other_answers_are_only_taken_as_yes(
    bot: BotCaller, ann: TelegramClient, receiver: WebhookReceiver, body: str, content_type: str
) -> None:
    receiver.answers = [web.Response(text=body, content_type=content_type)]
    await bot.call("setWebhook", url=receiver.url)
    assert await receiver.next_text() == "/start"
    ann.send("two")
    assert await receiver.next_text() == "two"
    assert (await bot.call("getWebhookInfo"))["url"] == receiver.url


async def test_only_so_many_connections_are_open(
    bot: BotCaller, ann: TelegramClient, stranger: TelegramClient, receiver: WebhookReceiver
) -> None:
    receiver.hold[ann.id] = asyncio.Event()
    stranger.send("second")
    await bot.call("setWebhook", url=receiver.url, max_connections=1)
    assert await receiver.next_text() == "/start"
    assert receiver.got.empty()
    receiver.hold[ann.id].set()
    assert await receiver.next_text() == "second"


async def test_a_line_that_fails_is_told(
    bot: BotCaller, ann: TelegramClient, engine: Engine
) -> None:
    engine.world.webhook.first_delay = 0.001
    await bot.call("setWebhook", url="http://127.0.0.1:9/hook")
    async with asyncio.timeout(5):
        await engine.world.webhook.failure_signal.wait()
    info = await bot.call("getWebhookInfo")
    assert info["last_error_message"].startswith("Connection failed")
    await engine.close()


async def test_updates_wait_while_nobody_listens(
    bot: BotCaller, ann: TelegramClient, receiver: WebhookReceiver
) -> None:
    await receiver.server.close()
    await bot.call("setWebhook", url="http://127.0.0.1:9/hook", max_connections=3)
    info = await bot.call("getWebhookInfo")
    assert (info["pending_update_count"], info["max_connections"]) == (1, 3)
    await bot.call("setWebhook", url="")
    assert len(await bot.call("getUpdates")) == 1


@pytest.mark.parametrize(
    ("params", "words"),
    [
        ({"url": "https://example.com/hook"}, "bad webhook: the sandbox posts to this machine"),
        ({"url": "ftp://127.0.0.1/"}, "invalid webhook URL specified"),
        ({"url": "http://127.0.0.1/", "secret_token": "a b"}, "unallowed characters"),
        ({"url": "http://127.0.0.1/", "secret_token": "a" * 257}, "secret token is too long"),
    ],
)
async def test_what_setWebhook_refuses(  # noqa: N802
    bot: BotCaller, params: dict[str, object], words: str
) -> None:
    assert words in await bot.call_refused("setWebhook", **params)


async def test_kinds_asked_for_show_in_the_info(bot: BotCaller) -> None:
    await bot.call("setWebhook", url="http://127.0.0.1:9/", allowed_updates=["message"])
    assert (await bot.call("getWebhookInfo"))["allowed_updates"] == ["message"]
    await bot.call("deleteWebhook")
