"""The listeners: public (webhook, certificates) and loopback (/healthz)."""

import hmac
from collections.abc import AsyncIterator, Awaitable, Callable, Iterable
from contextlib import asynccontextmanager
from typing import Any

import orjson
import structlog
from aiohttp import web
from sqlalchemy.exc import SQLAlchemyError

from bot.updates.intake import Intake, is_update

HEADER = "X-Telegram-Bot-Api-Secret-Token"
_LARGEST = 1024 * 1024
"""Bytes of a request body that are read."""
_PARTING_SECONDS = 10.0
"""How long an answer that has begun may take when the listener closes."""

Health = Callable[[], Awaitable[dict[str, Any]]]

_log = structlog.get_logger()


def public_app(routes: Iterable[web.AbstractRouteDef]) -> web.Application:
    """Give the public application."""
    app = web.Application(client_max_size=_LARGEST)
    app.add_routes(routes)
    return app


def webhook_routes(path: str, secret: str, intake: Intake) -> list[web.RouteDef]:
    """Give the route of the webhook."""
    return [web.post(path, Webhook(secret, intake).take)]


class Webhook:
    """Takes updates that Telegram posts; 200 means that they are in the inbox."""

    def __init__(self, secret: str, intake: Intake) -> None:
        self._secret = secret.encode()
        self._intake = intake

    async def take(self, request: web.Request) -> web.Response:
        """Take one update."""
        given = request.headers.get(HEADER, "").encode(errors="replace")
        if not hmac.compare_digest(given, self._secret):
            _log.warning("webhook_refused", reason="secret")
            raise web.HTTPForbidden
        if not self._intake.room.is_set():
            raise web.HTTPServiceUnavailable(headers={"Retry-After": "1"})
        update = _read(await request.read())
        try:
            await self._intake.accept([update])
        except SQLAlchemyError:
            raise web.HTTPServiceUnavailable(headers={"Retry-After": "1"}) from None
        return web.Response()


def _read(body: bytes) -> dict[str, Any]:
    """Read an update.

    :raises web.HTTPBadRequest: for what is none; trying again would not help.
    """
    try:
        update = orjson.loads(body)
    except orjson.JSONDecodeError:
        update = None
    if not is_update(update):
        _log.warning("webhook_refused", reason="not an update")
        raise web.HTTPBadRequest
    checked: dict[str, Any] = update
    return checked


def health_app(health: Health) -> web.Application:
    """Give the loopback application: /healthz says how the bot is, 503 when it is not well."""

    async def healthz(_request: web.Request) -> web.Response:
        state = await health()
        status = 200 if state["status"] == "ok" else 503
        return web.json_response(state, status=status)

    app = web.Application()
    app.router.add_get("/healthz", healthz)
    return app


@asynccontextmanager
async def listening(app: web.Application, host: str, port: int) -> AsyncIterator[int]:
    """Serve `app` while the block runs; gives the port.

    :raises OSError: when the port is taken.
    """
    runner = web.AppRunner(app, access_log=None, shutdown_timeout=_PARTING_SECONDS)
    await runner.setup()
    try:
        site = web.TCPSite(runner, host, port)
        await site.start()
        yield runner.addresses[0][1]
    finally:
        await runner.cleanup()
