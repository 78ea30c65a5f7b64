"""The HTTP calls about the world: groups, mails, faults, events, words of the page."""

import json
from dataclasses import asdict
from functools import partial

from aiohttp import web

import locales
from sandbox.client.groups import Group
from sandbox.engine import Engine, Event
from sandbox.errors import PersonError
from sandbox.http.request_bodies import (
    BotStatus,
    FaultBody,
    MailBody,
    NewGroup,
    NewMember,
    NewTopic,
)
from sandbox.http.request_handling import checked, person_of, read_body, read_number, reply
from sandbox.types import Json
from sandbox.world.fault_injection import Fault

PING_SECONDS = 15.0


def add_world_routes(app: web.Application, engine: Engine, token: str) -> None:
    """Add what is under ``/sandbox`` and about no single person."""
    api = WorldApi(engine)
    group = r"/sandbox/groups/{id:-\d+}"
    posts = {
        "/sandbox/groups": api.new_group,
        f"{group}/members": api.new_member,
        f"{group}/leave": api.leave,
        f"{group}/bot": api.change_bot,
        f"{group}/topics": api.new_topic,
        "/sandbox/mails": api.new_mail,
        "/sandbox/faults": api.new_fault,
    }
    gets = {
        "/sandbox/state": api.state,
        "/sandbox/mails": api.mails,
        "/sandbox/events": api.events,
        "/sandbox/words": api.words,
        "/sandbox/files/{file_id}": api.file,
    }
    for path, post in posts.items():
        app.router.add_post(path, checked(post, token))
    for path, get in gets.items():
        app.router.add_get(path, checked(get, token))


class WorldApi:
    """The calls; each method is one."""

    def __init__(self, engine: Engine) -> None:
        self.engine = engine

    def _group(self, request: web.Request) -> Group:
        group = self.engine.groups.get(int(request.match_info["id"]))
        if group is None:
            raise PersonError(404, "chat_not_found", "There is no such group.")
        return group

    async def state(self, request: web.Request) -> web.Response:
        """Give the bot, the people and the groups."""
        bot = self.engine.bot
        commands = [
            {
                "scope": scope,
                "chat_id": chat_id,
                "user_id": user_id,
                "language_code": language,
                "commands": menu,
            }
            for (scope, chat_id, user_id, language), menu in bot.commands.items()
        ]
        shown: Json = {
            **bot.user,
            "names": bot.names,
            "descriptions": bot.descriptions,
            "short_descriptions": bot.short_descriptions,
            "commands": commands,
            "menu_buttons": {str(key): button for key, button in bot.menu_buttons.items()},
        }
        return reply(
            {
                "version": self.engine.version,
                "bot": shown,
                "people": [person.as_json() for person in self.engine.people.values()],
                "groups": [group.as_json() for group in self.engine.groups.values()],
                "chats": {str(chat.id): chat.version for chat in self.engine.chats.values()},
                "pending_updates": len(self.engine.updates.pending),
            }
        )

    async def new_group(self, request: web.Request) -> web.Response:
        """Make a group."""
        body = await read_body(request, NewGroup)
        members = [person_of(self.engine, person_id) for person_id in body.members]
        group = self.engine.group(
            body.title, members, is_forum=body.is_forum, bot_is_admin=body.bot_is_admin
        )
        return reply(group.as_json())

    async def new_member(self, request: web.Request) -> web.Response:
        """Let somebody join."""
        body = await read_body(request, NewMember)
        self._group(request).add(person_of(self.engine, body.person_id))
        return reply({})

    async def leave(self, request: web.Request) -> web.Response:
        """Let somebody leave."""
        body = await read_body(request, NewMember)
        self._group(request).remove(person_of(self.engine, body.person_id))
        return reply({})

    async def change_bot(self, request: web.Request) -> web.Response:
        """Add, promote or remove the bot."""
        body = await read_body(request, BotStatus)
        self._group(request).change_bot(body.status, by=person_of(self.engine, body.person_id).user)
        return reply({})

    async def new_topic(self, request: web.Request) -> web.Response:
        """Make a topic."""
        body = await read_body(request, NewTopic)
        topic = self._group(request).make_topic(body.name, person_of(self.engine, body.person_id))
        return reply(topic.as_json())

    async def mails(self, request: web.Request) -> web.Response:
        """Give all mails."""
        return reply([mail.as_json() for mail in self.engine.mails.mails])

    async def new_mail(self, request: web.Request) -> web.Response:
        """Store a mail that the system sends."""
        body = await read_body(request, MailBody)
        mail = self.engine.mails.add(**body.model_dump())
        self.engine.changed("mails")
        return reply(mail.as_json())

    async def new_fault(self, request: web.Request) -> web.Response:
        """Let the next calls of a method go wrong."""
        body = await read_body(request, FaultBody)
        given = body.model_dump()
        self.engine.faults.add(Fault(**{**given, "method": body.method.lower()}))
        return reply({})

    async def words(self, request: web.Request) -> web.Response:
        """Give the words of the page."""
        language = locales.resolve(request.query.get("language"))
        try:
            return reply(dict(locales.words("sandbox", language)))
        except FileNotFoundError:
            raise PersonError(404, "no_words", f"No words in {language}.") from None

    async def file(self, request: web.Request) -> web.Response:
        """Give a file of a message, for the page to show."""
        stored = self.engine.files.known(request.match_info["file_id"])
        if stored is None:
            raise PersonError(404, "file_not_found", "There is no such file.")
        upload = stored.upload
        kind = upload.mime_type if upload.mime_type.startswith("image/") else None
        return web.Response(body=upload.content, content_type=kind or "application/octet-stream")

    async def events(self, request: web.Request) -> web.StreamResponse:
        """Stream what changes, as server-sent events."""
        after = read_number(request, "after")
        seen = self.engine.version if after is None else int(after)
        stream = web.StreamResponse(headers={"Content-Type": "text/event-stream"})
        await stream.prepare(request)
        await stream.write(b": hello\n\n")
        while True:
            fresh = await self.engine.bell.until(partial(self._since, seen), PING_SECONDS)
            for event in fresh or ():
                seen = event.version
                await stream.write(f"data: {json.dumps(asdict(event))}\n\n".encode())
            if not fresh:
                await stream.write(b": still here\n\n")

    def _since(self, version: int) -> list[Event] | None:
        return [event for event in self.engine.events if event.version > version] or None
