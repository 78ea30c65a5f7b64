"""What the calls of the person and world interfaces share: the token, bodies, answers, errors."""

import json
from collections.abc import Awaitable, Callable
from typing import TypeVar

from aiohttp import web
from pydantic import BaseModel, ValidationError

from sandbox.client.telegram_client import TelegramClient
from sandbox.errors import PersonError
from sandbox.http.access_guard import has_token
from sandbox.world.world import World

MAX_WAIT = 60.0
RequestHandler = Callable[[web.Request], Awaitable[web.StreamResponse]]
Body = TypeVar("Body", bound=BaseModel)


def with_token_check(handler: RequestHandler, token: str) -> RequestHandler:
    """Wrap a handler: ask for the token first, and answer a `PersonError` in JSON."""

    async def handle(request: web.Request) -> web.StreamResponse:
        try:
            if not has_token(request, token):
                raise PersonError(403, "bad_token", "Send the token that the sandbox printed.")
            return await handler(request)
        except PersonError as error:
            body = {"error": error.code, "detail": error.detail}
            return web.json_response(body, status=error.status)

    return handle


async def read_body(request: web.Request, model: type[Body]) -> Body:
    """Read the JSON of a request.

    :raises PersonError: where it is not what the call takes.
    """
    try:
        return model.model_validate_json(await request.text() or "{}")
    except ValidationError as error:
        first = error.errors(include_url=False)[0]
        place = ".".join(map(str, first["loc"]))
        raise PersonError(400, "bad_body", f"{place}: {first['msg']}") from None


def read_query_number(request: web.Request, name: str) -> float | None:
    """Read a number from the query.

    :raises PersonError: where it is none.
    """
    given = request.query.get(name)
    try:
        return None if given is None else float(given)
    except ValueError:
        raise PersonError(400, "bad_query", f"{name} must be a number.") from None


def json_reply(value: object) -> web.Response:
    """Answer with JSON."""
    return web.json_response(value, dumps=lambda shape: json.dumps(shape, ensure_ascii=False))


def find_person(world: World, person_id: int) -> TelegramClient:
    """Return the client of a person.

    :raises PersonError: where there is nobody with this id.
    """
    account = world.accounts.get(person_id)
    if account is None:
        raise PersonError(404, "person_not_found", f"There is no person {person_id}.")
    return TelegramClient(world, account)
