"""Serves the Bot API, the person interface and the page, on this machine only."""

import json
import secrets
from collections.abc import Awaitable, Callable, Mapping
from dataclasses import dataclass
from pathlib import Path

from aiohttp import web

from sandbox.engine import Engine
from sandbox.errors import ApiError
from sandbox.http.guard import (
    carries_token,
    cookie_name,
    from_our_page,
    from_this_machine,
    is_loopback,
)
from sandbox.http.person_api import add_person_routes
from sandbox.http.world_api import add_world_routes
from sandbox.types import Json
from sandbox.world.file_store import Upload

PAGE = Path(__file__).parent / "page"
MAX_BODY = 50 * 1024 * 1024
ENGINE = web.AppKey("engine", Engine)
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
    """Make the web application."""
    app = web.Application(middlewares=[_guarded], client_max_size=MAX_BODY)
    app[ENGINE] = engine
    app[TOKEN] = page_token
    app.on_response_prepare.append(_add_headers)
    for path in ("/bot{token}/{method}", "/bot{token}/test/{method}"):
        app.router.add_route("GET", path, _bot_api)
        app.router.add_route("POST", path, _bot_api)
    app.router.add_get("/file/bot{token}/{path:.+}", _file)
    app.router.add_get("/", _page)
    add_person_routes(app, engine, page_token)
    add_world_routes(app, engine, page_token)
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
    taken = runner.addresses[0][1]
    url = f"http://{f'[{host}]' if ':' in host else host}:{taken}"
    return RunningSandbox(engine, url, f"{url}/?token={page_token}", runner)


@web.middleware
async def _guarded(request: web.Request, handler: Handler) -> web.StreamResponse:
    """Refuse what does not come from this machine, or comes from another site's page."""
    if not from_this_machine(request):
        return _refusal("foreign_host", "Use the address that the sandbox printed.")
    if not from_our_page(request):
        return _refusal("foreign_origin", "Another site's page may not use the sandbox.")
    try:
        return await handler(request)
    except web.HTTPException as error:
        return _in_json(request, error)


def _refusal(code: str, detail: str, status: int = 403) -> web.Response:
    return web.json_response({"error": code, "detail": detail}, status=status)


def _in_json(request: web.Request, error: web.HTTPException) -> web.Response:
    """Tell of an unknown path, a wrong verb or too large a body as each interface tells it."""
    if request.path.startswith("/bot"):
        return _envelope(ApiError(error.status, error.reason).envelope())
    code = error.reason.lower().replace(" ", "_")
    return _refusal(code, f"{request.method} {request.path}: {error.reason}", error.status)


async def _add_headers(request: web.Request, response: web.StreamResponse) -> None:
    response.headers.update(_SAFE_HEADERS)


async def _bot_api(request: web.Request) -> web.Response:
    engine = request.app[ENGINE]
    if request.match_info["token"] != engine.token:
        return _envelope(ApiError(401, "Unauthorized").envelope())
    try:
        params, files = await _read(request)
    except ApiError as error:
        return _envelope(error.envelope())
    return _envelope(await engine.call(request.match_info["method"], params, files))


def _envelope(envelope: Json) -> web.Response:
    status = 200 if envelope["ok"] else envelope["error_code"]
    return web.json_response(envelope, status=status, dumps=_dumps)


def _dumps(value: object) -> str:
    return json.dumps(value, ensure_ascii=False, separators=(",", ":"))


async def _read(request: web.Request) -> tuple[Mapping[str, object], dict[str, Upload]]:
    """Give parameters and files from the query and the body, in any form Telegram takes."""
    params: dict[str, object] = dict(request.query)
    files: dict[str, Upload] = {}
    if request.content_type == "application/json":
        params.update(await _read_json(request))
    elif request.can_read_body:
        for name, value in (await request.post()).items():
            if isinstance(value, web.FileField):
                content = value.file.read()
                files[name] = Upload(value.filename, content, value.content_type)
            else:
                params[name] = value if isinstance(value, str) else bytes(value).decode()
    return params, files


async def _read_json(request: web.Request) -> Json:
    body = await request.text()
    try:
        given = json.loads(body) if body else {}
    except ValueError:
        given = None
    if not isinstance(given, dict):
        raise ApiError(400, "Bad Request: can't parse request content as a JSON object")
    return given


async def _file(request: web.Request) -> web.Response:
    engine = request.app[ENGINE]
    if request.match_info["token"] != engine.token:
        return _envelope(ApiError(401, "Unauthorized").envelope())
    stored = engine.files.at(request.match_info["path"])
    if stored is None:
        return _envelope(ApiError(404, "Not Found").envelope())
    return web.Response(body=stored.upload.content, content_type="application/octet-stream")


async def _page(request: web.Request) -> web.StreamResponse:
    """Show the page; a token in the address moves into a cookie and out of sight."""
    token = request.app[TOKEN]
    if not carries_token(request, token):
        return web.Response(status=403, text="Open the address that the sandbox printed.\n")
    if "token" in request.query:
        answer = web.Response(status=303, headers={"Location": "/"})
        answer.set_cookie(cookie_name(request), token, httponly=True, samesite="Strict", path="/")
        return answer
    return web.FileResponse(PAGE / "index.html")
