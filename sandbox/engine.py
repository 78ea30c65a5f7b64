"""The engine: one bot, the people and groups it talks to, and all that happened so far."""

import inspect
from collections import deque
from collections.abc import Mapping
from dataclasses import dataclass
from datetime import UTC, datetime
from typing import Protocol

from sandbox.bot_api.method_registry import Method
from sandbox.bot_api.methods import METHODS
from sandbox.bot_api.params.message_params import SendInvoice
from sandbox.bot_api.params.parsing import read
from sandbox.client.groups import Group
from sandbox.client.telegram_client import Person
from sandbox.errors import ApiError
from sandbox.types import Clock, Json
from sandbox.world.bot_profile import Profile
from sandbox.world.change_signal import Bell
from sandbox.world.chats import FIRST_GROUP, Chat
from sandbox.world.fault_injection import Faults, Flood
from sandbox.world.file_store import Files, Upload
from sandbox.world.mailbox import MailBox
from sandbox.world.pending_queries import Queries
from sandbox.world.update_queue import Updates
from sandbox.world.webhook_delivery import Webhook

FIRST_PERSON = 5_400_000_001
"""Above 32 bits, as real ids are, so that whoever stores them too small finds out."""


@dataclass(frozen=True, slots=True)
class Options:
    """What differs from one sandbox to the next."""

    flood_limits: bool = False
    inline_feedback: bool = False
    """Whether the bot hears which inline result was chosen; @BotFather has it off."""
    reads_groups: bool = False
    """Whether privacy mode is off."""
    callback_seconds: float = 15.0
    inline_seconds: float = 10.0
    pre_checkout_seconds: float = 10.0


class Observer(Protocol):
    """Somebody who sees every call and every update, such as a test's oracle."""

    def on_call(self, method: str, params: Mapping[str, object], envelope: Json) -> None:
        """See a call and its answer."""

    def on_update(self, update: Json) -> None:
        """See an update on its way to the bot."""


@dataclass(frozen=True, slots=True)
class Event:
    """Something changed that a page may show."""

    version: int
    kind: str
    chat_id: int | None


class Engine:
    """The world as one Telegram bot knows it.

    It lives in one event loop and needs no locks: nothing in it waits halfway.

    :param token: the bot's token; what stands before its colon is the bot's id.
    :param now: where the time comes from.
    """

    def __init__(
        self,
        token: str,
        username: str = "kaika_demo_bot",
        now: Clock | None = None,
        options: Options | None = None,
        name: str = "Kaika",
    ) -> None:
        self.token = token
        self.options = options or Options()
        self.now: Clock = now or (lambda: datetime.now(UTC))
        bot_id = int(token.partition(":")[0])
        self.bot = Profile(bot_id, username, {"": name}, reads_groups=self.options.reads_groups)
        self.bell = Bell()
        self.people: dict[int, Person] = {}
        self.groups: dict[int, Group] = {}
        self.chats: dict[int, Chat] = {}
        self.inline_messages: dict[str, tuple[int, int]] = {}
        self.invoices: dict[tuple[int, int], SendInvoice] = {}
        self.pending_payments: set[tuple[int, int]] = set()
        self.paid: set[tuple[int, int]] = set()
        self.updates = Updates(self.timestamp(), Bell())
        self.queries = Queries(
            self.now,
            self.bell,
            {
                "callback": self.options.callback_seconds,
                "inline": self.options.inline_seconds,
                "pre_checkout": self.options.pre_checkout_seconds,
            },
        )
        self.files = Files()
        self.mails = MailBox(self.now)
        self.faults = Faults()
        self.flood = Flood(self.now) if self.options.flood_limits else None
        self.webhook = Webhook(self)
        self.events: deque[Event] = deque([Event(0, "start", None)], maxlen=1000)
        self._observers: list[Observer] = []

    def timestamp(self) -> int:
        """Give the time in the seconds of the Bot API."""
        return int(self.now().timestamp())

    def observe(self, observer: Observer) -> None:
        """Let `observer` see every call and update from now on."""
        self._observers.append(observer)

    def person(
        self,
        first_name: str,
        language_code: str | None = None,
        username: str | None = None,
        last_name: str | None = None,
    ) -> Person:
        """Make a person, who has not written to the bot yet."""
        person_id = FIRST_PERSON + len(self.people)
        person = Person(self, person_id, first_name, language_code, username, last_name)
        self.people[person_id] = person
        self.chats[person_id] = Chat(person_id, person.as_chat())
        self.changed("people")
        return person

    def group(
        self,
        title: str,
        members: list[Person],
        *,
        is_forum: bool = False,
        bot_is_admin: bool = False,
    ) -> Group:
        """Let the first of `members` make a supergroup with the others and the bot."""
        group = Group(self, FIRST_GROUP - len(self.groups), title, is_forum)
        self.groups[group.id] = group
        self.chats[group.id] = group.chat
        group.found(members, bot_is_admin=bot_is_admin)
        self.changed("groups", group.chat)
        return group

    def emit(self, kind: str, payload: Json) -> None:
        """Send an update to the bot, unless it does not want that kind."""
        update = self.updates.add(kind, payload)
        if update is None:
            return
        for observer in self._observers:
            observer.on_update(update)
        self.webhook.wake()

    def changed(self, kind: str, chat: Chat | None = None) -> None:
        """Tell whoever watches that something is new."""
        version = self.version + 1
        if chat is not None:
            chat.version = version
        self.events.append(Event(version, kind, chat.id if chat else None))
        self.bell.ring()

    @property
    def version(self) -> int:
        """Give the number of the last change."""
        return self.events[-1].version

    async def call(
        self,
        method: str,
        params: Mapping[str, object] | None = None,
        files: Mapping[str, Upload] | None = None,
    ) -> Json:
        """Make a Bot API call and give the whole answer, ``ok`` and all.

        :param params: objects may be given as they are or as JSON text, as in a form.
        :param files: uploads, by the name of their parameter or of their ``attach://``.
        """
        known = METHODS.get(method.lower())
        given = params or {}
        if files and known:
            given = {**{key: f"attach://{key}" for key in files if key in known.uploads}, **given}
        try:
            if known is None:
                raise ApiError(404, "Not Found: method not found")
            envelope: Json = {"ok": True, "result": await self._run(known, given, files or {})}
        except ApiError as error:
            envelope = error.envelope()
        for observer in self._observers:
            observer.on_call(known.name if known else method, given, envelope)
        return envelope

    async def _run(
        self, method: Method, given: Mapping[str, object], files: Mapping[str, Upload]
    ) -> object:
        await self.faults.strike(method.name.lower())
        params = read(method.params, given)
        if method.uploads:
            return method.handler(self, params, files)
        result = method.handler(self, params)
        return await result if inspect.isawaitable(result) else result

    async def callback_answer(self, query_id: str, timeout: float = 10.0) -> Json | None:  # noqa: ASYNC109
        """Give the bot's answer to a pressed button, or None where none comes in time."""
        return await self.queries.wait(query_id, timeout)

    async def inline_answer(self, query_id: str, timeout: float = 10.0) -> Json | None:  # noqa: ASYNC109
        """Give the bot's answer to an inline query, or None where none comes in time."""
        return await self.queries.wait(query_id, timeout)

    async def close(self) -> None:
        """Stop what runs in the background."""
        await self.webhook.stop()
