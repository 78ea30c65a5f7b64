"""The Bot API over HTTP: method calls in every form that Telegram takes, and files."""

import json
from collections.abc import Mapping

from aiohttp import web

from sandbox.engine import Engine
from sandbox.errors import ApiError, OddAnswerError
from sandbox.types import Json
from sandbox.world.file_store import UploadedFile


def add_bot_api_routes(app: web.Application, engine: Engine) -> None:
    """Add everything under ``/bot<token>`` and ``/file/bot<token>``."""
    routes = _BotApiRoutes(engine)
    for path in ("/bot{token}/{method}", "/bot{token}/test/{method}"):
        app.router.add_route("GET", path, routes.call_method)
        app.router.add_route("POST", path, routes.call_method)
    app.router.add_get("/file/bot{token}/{path:.+}", routes.download_file)


class _BotApiRoutes:
    def __init__(self, engine: Engine) -> None:
        self._engine = engine

    async def call_method(self, request: web.Request) -> web.StreamResponse:
        """Make a Bot API call."""
        if request.match_info["token"] != self._engine.token:
            return envelope_response(ApiError(401, "Unauthorized").envelope())
        try:
            params, files = await _read_parameters(request)
        except ApiError as error:
            return envelope_response(error.envelope())
        try:
            envelope = await self._engine.call(request.match_info["method"], params, files)
        except OddAnswerError as odd:
            return await _send_odd_answer(request, odd)
        return envelope_response(envelope)

    async def download_file(self, request: web.Request) -> web.Response:
        """Return the content of a file."""
        if request.match_info["token"] != self._engine.token:
            return envelope_response(ApiError(401, "Unauthorized").envelope())
        stored = self._engine.world.files.find_by_path(request.match_info["path"])
        if stored is None:
            return envelope_response(ApiError(404, "Not Found").envelope())
        return web.Response(body=stored.upload.content, content_type="application/octet-stream")


def envelope_response(envelope: Json) -> web.Response:
    """Return the answer to a call, with its error code as the HTTP status."""
    status = 200 if envelope["ok"] else envelope["error_code"]
    return web.json_response(envelope, status=status, dumps=_dump_compact)


async def _send_odd_answer(request: web.Request, odd: OddAnswerError) -> web.StreamResponse:
    """Send what a fault asks for; the body is not compressed, whatever its header says."""
    headers = {"Content-Type": "application/json", "Content-Length": str(len(odd.body))}
    if odd.content_encoding:
        headers["Content-Encoding"] = odd.content_encoding
    response = web.StreamResponse(status=odd.status, headers=headers)
    if not odd.hangs_up:
        await response.prepare(request)
        await response.write(odd.body)
        return response
    if odd.body:
        await response.prepare(request)
        await response.write(odd.body[: len(odd.body) // 2])
    if request.transport is not None:
        request.transport.abort()
    return response


def _dump_compact(value: object) -> str:
    return json.dumps(value, ensure_ascii=False, separators=(",", ":"))


async def _read_parameters(
    request: web.Request,
) -> tuple[Mapping[str, object], dict[str, UploadedFile]]:
    """Read parameters and files from the query and the body, which are taken together."""
    params: dict[str, object] = dict(request.query)
    files: dict[str, UploadedFile] = {}
    if request.content_type == "application/json":
        params.update(await _read_json_object(request))
    elif request.can_read_body:
        for name, value in (await request.post()).items():
            if isinstance(value, web.FileField):
                content = value.file.read()
                files[name] = UploadedFile(value.filename, content, value.content_type)
            else:
                params[name] = value if isinstance(value, str) else bytes(value).decode()
    return params, files


async def _read_json_object(request: web.Request) -> Json:
    body = await request.text()
    try:
        given = json.loads(body) if body else {}
    except ValueError:
        given = None
    if not isinstance(given, dict):
        raise ApiError(400, "Bad Request: can't parse request content as a JSON object")
    return given
