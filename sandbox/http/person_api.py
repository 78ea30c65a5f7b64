"""The HTTP calls to act as a person; ``docs/sandbox.md`` tells how to use them."""

from aiohttp import web

from sandbox.client.telegram_client import Person
from sandbox.engine import Engine
from sandbox.http.request_bodies import (
    Block,
    Choose,
    Edit,
    Forward,
    Inline,
    Media,
    NewPerson,
    OneMessage,
    Pay,
    Press,
    PressKey,
    React,
    Send,
    Start,
)
from sandbox.http.request_handling import (
    MAX_WAIT,
    checked,
    person_of,
    read_body,
    read_number,
    reply,
)

VERBS = (
    "send",
    "start",
    "press",
    "press_key",
    "inline",
    "choose",
    "edit",
    "media",
    "forward",
    "delete",
    "react",
    "block",
    "unblock",
    "pay",
)


def add_person_routes(app: web.Application, engine: Engine, token: str) -> None:
    """Add everything under ``/sandbox/people``."""
    api = PersonApi(engine)
    person = r"/sandbox/people/{id:\d+}"
    app.router.add_post("/sandbox/people", checked(api.new_person, token))
    app.router.add_get(f"{person}/transcript", checked(api.transcript, token))
    for verb in VERBS:
        app.router.add_post(f"{person}/{verb}", checked(getattr(api, verb), token))


class PersonApi:
    """The calls; each method is one."""

    def __init__(self, engine: Engine) -> None:
        self.engine = engine

    def _person(self, request: web.Request) -> Person:
        return person_of(self.engine, int(request.match_info["id"]))

    async def new_person(self, request: web.Request) -> web.Response:
        """Make a person."""
        body = await read_body(request, NewPerson)
        return reply(self.engine.person(**body.model_dump()).as_json())

    async def send(self, request: web.Request) -> web.Response:
        """Send a text."""
        body = await read_body(request, Send)
        return reply(self._person(request).send(**body.model_dump()))

    async def start(self, request: web.Request) -> web.Response:
        """Start the bot."""
        body = await read_body(request, Start)
        return reply(self._person(request).start(body.payload))

    async def press(self, request: web.Request) -> web.Response:
        """Press a button and give the bot's answer."""
        body = await read_body(request, Press)
        person = self._person(request)
        query_id = person.press(
            body.message_id, body.data, body.text, body.chat_id, forge=body.forge
        )
        answer = await self.engine.callback_answer(query_id, min(body.wait, MAX_WAIT))
        return reply({"callback_query_id": query_id, "answer": answer})

    async def press_key(self, request: web.Request) -> web.Response:
        """Press a key of a reply keyboard."""
        body = await read_body(request, PressKey)
        return reply(self._person(request).press_key(**body.model_dump()))

    async def inline(self, request: web.Request) -> web.Response:
        """Ask inline and give the results."""
        body = await read_body(request, Inline)
        query_id = self._person(request).inline(body.query, body.chat_id, body.offset)
        answer = await self.engine.inline_answer(query_id, min(body.wait, MAX_WAIT))
        shown = answer or {"results": [], "next_offset": ""}
        return reply({"inline_query_id": query_id, "answered": answer is not None, **shown})

    async def choose(self, request: web.Request) -> web.Response:
        """Send an inline result."""
        body = await read_body(request, Choose)
        return reply(self._person(request).choose(**body.model_dump()))

    async def edit(self, request: web.Request) -> web.Response:
        """Change a text."""
        body = await read_body(request, Edit)
        return reply(self._person(request).edit(**body.model_dump()))

    async def delete(self, request: web.Request) -> web.Response:
        """Delete a message."""
        body = await read_body(request, OneMessage)
        self._person(request).delete(**body.model_dump())
        return reply({})

    async def react(self, request: web.Request) -> web.Response:
        """React to a message."""
        body = await read_body(request, React)
        self._person(request).react(**body.model_dump())
        return reply({})

    async def media(self, request: web.Request) -> web.Response:
        """Send something that is no text."""
        body = await read_body(request, Media)
        given = body.model_dump(exclude={"details"})
        return reply(self._person(request).media(**given, **body.details))

    async def forward(self, request: web.Request) -> web.Response:
        """Forward a message."""
        body = await read_body(request, Forward)
        return reply(self._person(request).forward(**body.model_dump()))

    async def block(self, request: web.Request) -> web.Response:
        """Block the bot."""
        await read_body(request, Block)
        self._person(request).block()
        return reply({})

    async def unblock(self, request: web.Request) -> web.Response:
        """Unblock the bot."""
        await read_body(request, Block)
        self._person(request).unblock()
        return reply({})

    async def pay(self, request: web.Request) -> web.Response:
        """Pay an invoice."""
        body = await read_body(request, Pay)
        return reply(await self._person(request).pay(**body.model_dump()))

    async def transcript(self, request: web.Request) -> web.Response:
        """Give a chat, at once or as soon as it changes."""
        person = self._person(request)
        chat_id = read_number(request, "chat_id")
        chat = person.chat(None if chat_id is None else int(chat_id))
        after, wait = read_number(request, "after"), read_number(request, "wait")
        if after is not None and wait:
            seen = after
            await self.engine.bell.until(lambda: chat.version > seen or None, min(wait, MAX_WAIT))
        return reply(person.transcript(chat.id))
