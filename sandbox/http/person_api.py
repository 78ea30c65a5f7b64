"""The HTTP calls to act as a person; ``docs/sandbox.md`` has all of them."""

from aiohttp import web

from sandbox.client.telegram_client import TelegramClient
from sandbox.http.request_bodies import (
    AlbumBody,
    ChooseBody,
    EditBody,
    EmptyBody,
    ForwardBody,
    InlineBody,
    MediaBody,
    MessageBody,
    NewPersonBody,
    PayBody,
    PressBody,
    PressKeyBody,
    ReactBody,
    SendBody,
    ShareChatBody,
    StartBody,
)
from sandbox.http.request_handling import (
    MAX_WAIT,
    find_person,
    json_reply,
    read_body,
    read_query_number,
    with_token_check,
)
from sandbox.world.world import World

PERSON_ACTIONS = (
    "send",
    "start",
    "press",
    "press_key",
    "share_chat",
    "inline",
    "choose",
    "edit",
    "media",
    "album",
    "forward",
    "delete",
    "pin",
    "unpin",
    "react",
    "block",
    "unblock",
    "pay",
)
"""The last part of the path of each call, and the method of `PersonApi` that answers it."""


def add_person_routes(app: web.Application, world: World, token: str) -> None:
    """Add everything under ``/sandbox/people``."""
    api = PersonApi(world)
    person = r"/sandbox/people/{id:\d+}"
    app.router.add_post("/sandbox/people", with_token_check(api.new_person, token))
    app.router.add_get(f"{person}/transcript", with_token_check(api.transcript, token))
    for action in PERSON_ACTIONS:
        handler = with_token_check(getattr(api, action), token)
        app.router.add_post(f"{person}/{action}", handler)


class PersonApi:
    """The calls as one person; each method answers one."""

    def __init__(self, world: World) -> None:
        self.world = world

    def _person(self, request: web.Request) -> TelegramClient:
        return find_person(self.world, int(request.match_info["id"]))

    async def new_person(self, request: web.Request) -> web.Response:
        """Add a person."""
        body = await read_body(request, NewPersonBody)
        return json_reply(TelegramClient.sign_up(self.world, **body.model_dump()).account.as_json())

    async def send(self, request: web.Request) -> web.Response:
        """Send a text."""
        body = await read_body(request, SendBody)
        return json_reply(self._person(request).send(**body.model_dump()))

    async def start(self, request: web.Request) -> web.Response:
        """Start the bot."""
        body = await read_body(request, StartBody)
        return json_reply(self._person(request).start(body.payload))

    async def press(self, request: web.Request) -> web.Response:
        """Press a button and return the bot's answer."""
        body = await read_body(request, PressBody)
        person = self._person(request)
        query_id = person.press(
            body.message_id, body.data, body.text, body.chat_id, forge=body.forge
        )
        answer = await person.wait_for_answer(query_id, min(body.wait, MAX_WAIT))
        return json_reply({"callback_query_id": query_id, "answer": answer})

    async def press_key(self, request: web.Request) -> web.Response:
        """Press a key of a reply keyboard."""
        body = await read_body(request, PressKeyBody)
        return json_reply(self._person(request).press_key(**body.model_dump()))

    async def share_chat(self, request: web.Request) -> web.Response:
        """Share a group by a key that asks for one."""
        body = await read_body(request, ShareChatBody)
        return json_reply(self._person(request).share_chat(**body.model_dump()))

    async def inline(self, request: web.Request) -> web.Response:
        """Send an inline query and return the results."""
        body = await read_body(request, InlineBody)
        person = self._person(request)
        query_id = person.query_inline(body.query, body.chat_id, body.offset)
        answer = await person.wait_for_answer(query_id, min(body.wait, MAX_WAIT))
        shown = answer or {"results": [], "next_offset": ""}
        return json_reply({"inline_query_id": query_id, "answered": answer is not None, **shown})

    async def choose(self, request: web.Request) -> web.Response:
        """Send an inline result."""
        body = await read_body(request, ChooseBody)
        return json_reply(self._person(request).choose_result(**body.model_dump()))

    async def edit(self, request: web.Request) -> web.Response:
        """Change a text."""
        body = await read_body(request, EditBody)
        return json_reply(self._person(request).edit(**body.model_dump()))

    async def delete(self, request: web.Request) -> web.Response:
        """Delete a message."""
        body = await read_body(request, MessageBody)
        self._person(request).delete(**body.model_dump())
        return json_reply({})

    async def pin(self, request: web.Request) -> web.Response:
        """Pin a message."""
        body = await read_body(request, MessageBody)
        self._person(request).pin(**body.model_dump())
        return json_reply({})

    async def unpin(self, request: web.Request) -> web.Response:
        """Unpin a message."""
        body = await read_body(request, MessageBody)
        self._person(request).unpin(**body.model_dump())
        return json_reply({})

    async def react(self, request: web.Request) -> web.Response:
        """React to a message."""
        body = await read_body(request, ReactBody)
        self._person(request).react(**body.model_dump())
        return json_reply({})

    async def media(self, request: web.Request) -> web.Response:
        """Send something that is no text."""
        body = await read_body(request, MediaBody)
        given = body.model_dump(exclude={"details"})
        return json_reply(self._person(request).send_media(**given, **body.details))

    async def album(self, request: web.Request) -> web.Response:
        """Send an album."""
        body = await read_body(request, AlbumBody)
        return json_reply(self._person(request).send_album(**body.model_dump()))

    async def forward(self, request: web.Request) -> web.Response:
        """Forward a message."""
        body = await read_body(request, ForwardBody)
        return json_reply(self._person(request).forward(**body.model_dump()))

    async def block(self, request: web.Request) -> web.Response:
        """Block the bot."""
        await read_body(request, EmptyBody)
        self._person(request).block()
        return json_reply({})

    async def unblock(self, request: web.Request) -> web.Response:
        """Unblock the bot."""
        await read_body(request, EmptyBody)
        self._person(request).unblock()
        return json_reply({})

    async def pay(self, request: web.Request) -> web.Response:
        """Pay an invoice."""
        body = await read_body(request, PayBody)
        return json_reply(await self._person(request).pay(**body.model_dump()))

    async def transcript(self, request: web.Request) -> web.Response:
        """Return a chat: now, or as soon as it changes."""
        person = self._person(request)
        chat_id = read_query_number(request, "chat_id")
        chat = person.find_chat(None if chat_id is None else int(chat_id))
        after, wait = read_query_number(request, "after"), read_query_number(request, "wait")
        if after is not None and wait:
            seen = after
            await self.world.changes.signal.wait_for(
                lambda: chat.version > seen or None, min(wait, MAX_WAIT)
            )
        return json_reply(person.transcript(chat.id))
