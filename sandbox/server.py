"""Serves the Bot API, the person and world interfaces and the page, on this machine only."""

import secrets
from collections.abc import Awaitable, Callable
from dataclasses import dataclass
from pathlib import Path

from aiohttp import web

from sandbox.engine import Engine
from sandbox.errors import ApiError
from sandbox.http.access_guard import cookie_name, has_token, is_from_own_page, is_from_this_machine
from sandbox.http.bot_api_routes import add_bot_api_routes, envelope_response
from sandbox.http.person_api import add_person_routes
from sandbox.http.world_api import add_world_routes
from sandbox.loopback import is_loopback

PAGE = Path(__file__).parent / "page"
MAX_BODY = 50 * 1024 * 1024
TOKEN = web.AppKey("token", str)
Handler = Callable[[web.Request], Awaitable[web.StreamResponse]]
_SAFE_HEADERS = {
    "Content-Security-Policy": (
        "default-src 'self'; img-src 'self' data: blob:; base-uri 'none'; form-action 'none'; "
        "frame-ancestors 'none'"
    ),
    "Referrer-Policy": "no-referrer",
    "X-Content-Type-Options": "nosniff",
    "Cache-Control": "no-store",
}


@dataclass(frozen=True, slots=True)
class RunningSandbox:
    """A sandbox that serves."""

    engine: Engine
    api_url: str
    """What the bot takes in place of ``https://api.telegram.org``."""
    page_url: str
    """The address to open, with its token."""
    runner: web.AppRunner

    async def close(self) -> None:
        """Stop serving."""
        await self.engine.close()
        await self.runner.cleanup()


def build_app(engine: Engine, page_token: str) -> web.Application:
    """Build the web application."""
    app = web.Application(middlewares=[_refuse_foreign], client_max_size=MAX_BODY)
    app[TOKEN] = page_token
    app.on_response_prepare.append(_add_headers)
    add_bot_api_routes(app, engine)
    app.router.add_get("/", _show_page)
    add_person_routes(app, engine.world, page_token)
    add_world_routes(app, engine.world, page_token)
    if PAGE.is_dir():
        app.router.add_static("/page/", PAGE)
    return app


async def serve(
    engine: Engine, page_token: str | None = None, host: str = "127.0.0.1", port: int = 0
) -> RunningSandbox:
    """Serve on a loopback address; port 0 takes a free one, no token a random one.

    :raises ValueError: where `host` is not loopback.
    """
    if not is_loopback(host):
        raise ValueError(f"{host} is not a loopback address")
    page_token = page_token or secrets.token_urlsafe(24)
    app = build_app(engine, page_token)
    runner = web.AppRunner(app, handler_cancellation=True, shutdown_timeout=1, access_log=None)
    await runner.setup()
    site = web.TCPSite(runner, host, port)
    await site.start()
    bound_port = runner.addresses[0][1]
    url = f"http://{f'[{host}]' if ':' in host else host}:{bound_port}"
    return RunningSandbox(engine, url, f"{url}/?token={page_token}", runner)


@web.middleware
async def _refuse_foreign(request: web.Request, handler: Handler) -> web.StreamResponse:
    """Refuse what does not come from this machine, or comes from another site's page."""
    if not is_from_this_machine(request):
        return _error_response("foreign_host", "Use the address that the sandbox printed.")
    if not is_from_own_page(request):
        return _error_response("foreign_origin", "Another site's page may not use the sandbox.")
    try:
        return await handler(request)
    except web.HTTPException as error:
        return _http_error_response(request, error)


def _error_response(code: str, detail: str, status: int = 403) -> web.Response:
    return web.json_response({"error": code, "detail": detail}, status=status)


def _http_error_response(request: web.Request, error: web.HTTPException) -> web.Response:
    """Report an unknown path, a wrong verb or too large a body in the words of each interface."""
    if request.path.startswith("/bot"):
        return envelope_response(ApiError(error.status, error.reason).envelope())
    code = error.reason.lower().replace(" ", "_")
    return _error_response(code, f"{request.method} {request.path}: {error.reason}", error.status)


async def _add_headers(request: web.Request, response: web.StreamResponse) -> None:
    response.headers.update(_SAFE_HEADERS)


async def _show_page(request: web.Request) -> web.StreamResponse:
    """Show the page; a token in the address moves into a cookie and out of sight."""
    token = request.app[TOKEN]
    if not has_token(request, token):
        return web.Response(status=403, text="Open the address that the sandbox printed.\n")
    if "token" in request.query:
        answer = web.Response(status=303, headers={"Location": "/"})
        answer.set_cookie(cookie_name(request), token, httponly=True, samesite="Strict", path="/")
        return answer
    return web.FileResponse(PAGE / "index.html")
