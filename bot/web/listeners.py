"""HTTP listeners: the public one (webhook, certificates, bridges) and /healthz on loopback."""

import asyncio
from collections.abc import AsyncIterator, Awaitable, Callable, Iterable
from contextlib import asynccontextmanager
from typing import Any

from aiohttp import web

from bot.web.connection_guard import ConnectionGuard

GUARD: web.AppKey[ConnectionGuard] = web.AppKey("connection_guard", ConnectionGuard)
_MAX_BODY_BYTES = 1024 * 1024
"""Limit on the body of a request."""
_BACKLOG = 512
"""Connections that the system accepts before the process does."""
_SHUTDOWN_SECONDS = 3.0
"""How long requests in progress may take when the listener closes."""

Health = Callable[[], Awaitable[dict[str, Any]]]


def public_app(
    routes: Iterable[web.AbstractRouteDef], guard: ConnectionGuard | None = None
) -> web.Application:
    """The public application.

    :param guard: limits its connections; with the usual limits by default.
    """
    guard = guard or ConnectionGuard()
    app = web.Application(client_max_size=_MAX_BODY_BYTES, middlewares=[guard.middleware])
    app[GUARD] = guard
    app.add_routes(routes)
    return app


def health_app(health: Health) -> web.Application:
    """The loopback application: /healthz reports the health, with status 503 unless it is ok."""

    async def healthz(_request: web.Request) -> web.Response:
        state = await health()
        status = 200 if state["status"] == "ok" else 503
        return web.json_response(state, status=status)

    app = web.Application()
    app.router.add_get("/healthz", healthz)
    return app


@asynccontextmanager
async def serve_app(app: web.Application, host: str, port: int) -> AsyncIterator[int]:
    """Serve `app` while the block runs; yields the port.

    :raises OSError: when the port is taken.
    """
    runner = web.AppRunner(app, access_log=None, shutdown_timeout=_SHUTDOWN_SECONDS)
    await runner.setup()
    assert runner.server is not None
    guard = app.get(GUARD)
    make_protocol = guard.guard(runner.server) if guard else runner.server
    try:
        loop = asyncio.get_running_loop()
        server = await loop.create_server(make_protocol, host, port, backlog=_BACKLOG)
        try:
            yield server.sockets[0].getsockname()[1]
        finally:
            server.close()
    finally:
        await runner.cleanup()
