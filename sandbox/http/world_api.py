"""The HTTP calls about the world: groups, mails, faults, events, words of the page."""

import json
from dataclasses import asdict

from aiohttp import web

import locales
from sandbox.client.groups import Group
from sandbox.errors import PersonError
from sandbox.http.request_bodies import (
    BotStatusBody,
    FaultBody,
    MailBody,
    MemberBody,
    MemberStatusBody,
    NewGroupBody,
    NewTopicBody,
    OptionsBody,
)
from sandbox.http.request_handling import (
    find_person,
    json_reply,
    read_body,
    read_query_number,
    with_token_check,
)
from sandbox.types import Json
from sandbox.world.change_log import WorldChange
from sandbox.world.fault_injection import InjectedFault
from sandbox.world.world import World

PING_SECONDS = 15.0


def add_world_routes(app: web.Application, world: World, token: str) -> None:
    """Add what is under ``/sandbox`` and about no single person."""
    api = WorldApi(world)
    group = r"/sandbox/groups/{id:-\d+}"
    posts = {
        "/sandbox/groups": api.new_group,
        f"{group}/members": api.new_member,
        f"{group}/leave": api.leave,
        f"{group}/bot": api.change_bot,
        f"{group}/status": api.change_member,
        f"{group}/topics": api.new_topic,
        rf"{group}/topics/{{thread:\d+}}/rename": api.rename_topic,
        rf"{group}/topics/{{thread:\d+}}/close": api.close_topic,
        rf"{group}/topics/{{thread:\d+}}/reopen": api.reopen_topic,
        rf"{group}/topics/{{thread:\d+}}/delete": api.delete_topic,
        "/sandbox/mails": api.new_mail,
        "/sandbox/faults": api.new_fault,
        "/sandbox/options": api.change_options,
    }
    gets = {
        "/sandbox/state": api.state,
        "/sandbox/mails": api.mails,
        "/sandbox/events": api.events,
        "/sandbox/words": api.words,
        "/sandbox/files/{file_id}": api.file,
    }
    for path, post in posts.items():
        app.router.add_post(path, with_token_check(post, token))
    for path, get in gets.items():
        app.router.add_get(path, with_token_check(get, token))


class WorldApi:
    """The calls about no single person; each method answers one."""

    def __init__(self, world: World) -> None:
        self.world = world

    def _group(self, request: web.Request) -> Group:
        chat = self.world.chats.get(int(request.match_info["id"]))
        if chat is None:
            raise PersonError(404, "chat_not_found", "There is no such group.")
        return Group(self.world, chat)

    async def state(self, request: web.Request) -> web.Response:
        """Return the bot, the people and the groups."""
        bot = self.world.bot
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
        return json_reply(
            {
                "version": self.world.changes.version,
                "bot": shown,
                "people": [account.as_json() for account in self.world.accounts.values()],
                "groups": [Group(self.world, chat).as_json() for chat in self.world.group_chats],
                "chats": {str(chat.id): chat.version for chat in self.world.chats.values()},
                "options": asdict(self.world.options),
                "pending_updates": len(self.world.updates.pending),
            }
        )

    async def new_group(self, request: web.Request) -> web.Response:
        """Add a group."""
        body = await read_body(request, NewGroupBody)
        members = [find_person(self.world, person_id) for person_id in body.members]
        group = Group.create(
            self.world,
            body.title,
            members,
            is_forum=body.is_forum,
            username=body.username,
            bot_is_admin=body.bot_is_admin,
            bot_rights=body.bot_rights,
        )
        return json_reply(group.as_json())

    async def new_member(self, request: web.Request) -> web.Response:
        """Let somebody join."""
        body = await read_body(request, MemberBody)
        self._group(request).add(find_person(self.world, body.person_id))
        return json_reply({})

    async def leave(self, request: web.Request) -> web.Response:
        """Let somebody leave."""
        body = await read_body(request, MemberBody)
        self._group(request).remove(find_person(self.world, body.person_id))
        return json_reply({})

    async def change_bot(self, request: web.Request) -> web.Response:
        """Add, promote or remove the bot."""
        body = await read_body(request, BotStatusBody)
        person = find_person(self.world, body.person_id)
        self._group(request).set_bot_status(body.status, person.user, body.rights)
        return json_reply({})

    async def change_member(self, request: web.Request) -> web.Response:
        """Promote, restrict, ban or unban a person."""
        body = await read_body(request, MemberStatusBody)
        person, by = (find_person(self.world, who) for who in (body.person_id, body.by))
        more = body.model_dump(include={"rights", "is_anonymous", "title"})
        self._group(request).set_status(person, body.status, by, **more)
        return json_reply({})

    async def new_topic(self, request: web.Request) -> web.Response:
        """Add a topic."""
        body = await read_body(request, NewTopicBody)
        topic = self._group(request).create_topic(
            body.name, find_person(self.world, body.person_id)
        )
        return json_reply(topic.as_json())

    async def rename_topic(self, request: web.Request) -> web.Response:
        """Rename a topic."""
        body = await read_body(request, NewTopicBody)
        person = find_person(self.world, body.person_id)
        self._group(request).rename_topic(_read_thread(request), body.name, person)
        return json_reply({})

    async def close_topic(self, request: web.Request) -> web.Response:
        """Close a topic."""
        person = find_person(self.world, (await read_body(request, MemberBody)).person_id)
        self._group(request).close_topic(_read_thread(request), person)
        return json_reply({})

    async def reopen_topic(self, request: web.Request) -> web.Response:
        """Reopen a topic."""
        person = find_person(self.world, (await read_body(request, MemberBody)).person_id)
        self._group(request).reopen_topic(_read_thread(request), person)
        return json_reply({})

    async def delete_topic(self, request: web.Request) -> web.Response:
        """Delete a topic."""
        person = find_person(self.world, (await read_body(request, MemberBody)).person_id)
        self._group(request).delete_topic(_read_thread(request), person)
        return json_reply({})

    async def mails(self, request: web.Request) -> web.Response:
        """Return all mails."""
        return json_reply([mail.as_json() for mail in self.world.mailbox.mails])

    async def new_mail(self, request: web.Request) -> web.Response:
        """Store a mail that the system sends."""
        body = await read_body(request, MailBody)
        mail = self.world.mailbox.add(**body.model_dump())
        return json_reply(mail.as_json())

    async def new_fault(self, request: web.Request) -> web.Response:
        """Let the next calls of a method go wrong."""
        body = await read_body(request, FaultBody)
        given = body.model_dump()
        self.world.faults.add(InjectedFault(**{**given, "method": body.method.lower()}))
        return json_reply({})

    async def change_options(self, request: web.Request) -> web.Response:
        """Switch options on or off."""
        body = await read_body(request, OptionsBody)
        self.world.change_options(**body.model_dump(exclude_none=True))
        return json_reply(asdict(self.world.options))

    async def words(self, request: web.Request) -> web.Response:
        """Return the words of the page."""
        language = locales.resolve(request.query.get("language"))
        try:
            return json_reply(dict(locales.catalogue("sandbox", language)))
        except FileNotFoundError:
            raise PersonError(404, "no_words", f"No words in {language}.") from None

    async def file(self, request: web.Request) -> web.Response:
        """Return a file of a message, for the page to show."""
        stored = self.world.files.find(request.match_info["file_id"])
        if stored is None:
            raise PersonError(404, "file_not_found", "There is no such file.")
        upload = stored.upload
        kind = upload.mime_type if upload.mime_type.startswith("image/") else None
        return web.Response(body=upload.content, content_type=kind or "application/octet-stream")

    async def events(self, request: web.Request) -> web.StreamResponse:
        """Stream what changes, as server-sent events."""
        after = read_query_number(request, "after")
        seen = self.world.changes.version if after is None else int(after)
        stream = web.StreamResponse(headers={"Content-Type": "text/event-stream"})
        await stream.prepare(request)
        await stream.write(b": hello\n\n")
        while True:
            changes = await self._wait_for_changes(seen)
            for change in changes or ():
                seen = change.version
                await stream.write(f"data: {json.dumps(asdict(change))}\n\n".encode())
            if not changes:
                await stream.write(b": still here\n\n")

    async def _wait_for_changes(self, version: int) -> list[WorldChange] | None:
        log = self.world.changes
        return await log.signal.wait_for(lambda: log.since(version), PING_SECONDS)


def _read_thread(request: web.Request) -> int:
    return int(request.match_info["thread"])
