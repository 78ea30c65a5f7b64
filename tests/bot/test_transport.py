"""Calls over aiohttp: requests, and the errors of each failure."""

import asyncio
from collections.abc import AsyncIterator

import pytest
from aiohttp import web
from telegram import Bot, InputFile
from telegram.error import (
    BadRequest,
    Forbidden,
    InvalidToken,
    NetworkError,
    RetryAfter,
    TelegramError,
    TimedOut,
)

from bot.telegram.transport import AiohttpRequest
from bot.web.listeners import serve_app

TOKEN = "123456789:AAtests-use-this-token-0123456789abc"
ERRORS = {
    "bad": (400, {"ok": False, "error_code": 400, "description": "Bad Request: chat not found"}),
    "blocked": (403, {"ok": False, "error_code": 403, "description": "Forbidden: blocked"}),
    "token": (401, {"ok": False, "error_code": 401, "description": "Unauthorized"}),
    "flood": (
        429,
        {
            "ok": False,
            "error_code": 429,
            "description": "Too Many",
            "parameters": {"retry_after": 7},
        },
    ),
    "down": (502, {"ok": False, "error_code": 502, "description": "Bad Gateway"}),
}

ARRIVED: list[str] = []


@pytest.fixture
async def server() -> AsyncIterator[int]:
    async def answer(request: web.Request) -> web.StreamResponse:
        form = await request.post() if request.content_type.startswith("multipart") else {}
        body = await request.json() if request.content_type == "application/json" else dict(form)
        text = str(body.get("text") or body.get("caption") or "")
        ARRIVED.append(text)
        if text in ERRORS:
            status, error = ERRORS[text]
            return web.json_response(error, status=status)
        if text == "html":
            return web.Response(text="<html>", content_type="text/html")
        if text == "hang up":
            assert request.transport is not None
            request.transport.abort()
        chat = {"id": 1, "type": "private", "first_name": "A"}
        message = {"message_id": 1, "date": 1, "chat": chat, "text": text or "-"}
        return web.json_response({"ok": True, "result": message})

    app = web.Application()
    app.router.add_post("/bot{token}/{method}", answer)
    async with serve_app(app, "127.0.0.1", 0) as port:
        yield port


@pytest.fixture
async def bot(server: int) -> AsyncIterator[Bot]:
    request = AiohttpRequest()
    await request.initialize()
    yield Bot(TOKEN, base_url=f"http://127.0.0.1:{server}/bot", request=request)
    await request.shutdown()


async def test_a_call_arrives_and_its_answer_comes_back(bot: Bot) -> None:
    sent = await bot.send_message(1, "統一證號 & <b>")
    assert ARRIVED[-1] == "統一證號 & <b>"
    assert (sent.message_id, sent.chat.id) == (1, 1)
    assert sent.text is None, "what we wrote is not parsed back"


async def test_a_file_arrives(bot: Bot) -> None:
    sent = await bot.send_document(1, InputFile(b"%PDF", filename="表.pdf"), caption="read me")
    assert sent.text == "read me"


@pytest.mark.parametrize(
    ("text", "error"),
    [
        ("bad", BadRequest),
        ("blocked", Forbidden),
        ("token", InvalidToken),
        ("flood", RetryAfter),
        ("down", NetworkError),
        ("html", TelegramError),
        ("hang up", NetworkError),
    ],
)
async def test_each_failure_is_told_apart(bot: Bot, text: str, error: type[Exception]) -> None:
    with pytest.raises(error) as caught:
        await bot.send_message(1, text)
    assert TOKEN not in repr(caught.value) + repr(caught.value.__cause__)


async def test_nobody_listening_is_a_network_error_without_the_token(unused_tcp_port: int) -> None:
    request = AiohttpRequest()
    await request.initialize()
    bot = Bot(TOKEN, base_url=f"http://127.0.0.1:{unused_tcp_port}/bot", request=request)
    with pytest.raises(NetworkError) as caught:
        await bot.send_message(1, "x")
    assert TOKEN not in repr(caught.value)
    await request.shutdown()


async def test_an_answer_that_does_not_come_in_time_is_told_so() -> None:
    released = asyncio.Event()

    async def wait(_request: web.Request) -> web.Response:
        await released.wait()
        return web.Response()

    app = web.Application()
    app.router.add_post("/{rest:.*}", wait)
    request = AiohttpRequest()
    await request.initialize()
    async with serve_app(app, "127.0.0.1", 0) as port:
        bot = Bot(TOKEN, base_url=f"http://127.0.0.1:{port}/bot", request=request)
        with pytest.raises(TimedOut):
            await bot.send_message(1, "x", read_timeout=0.05)
        released.set()
    await request.shutdown()
