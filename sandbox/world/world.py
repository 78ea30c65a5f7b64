"""The world as one Telegram bot knows it: everything that is there, and nothing of who acts."""

from collections.abc import Callable
from dataclasses import dataclass, replace
from datetime import UTC, datetime

from sandbox.types import Clock, Json
from sandbox.world.accounts import UserAccount
from sandbox.world.bot_profile import BotProfile
from sandbox.world.change_log import ChangeLog
from sandbox.world.chats import ChatState, ForumTopic
from sandbox.world.fault_injection import FaultInjector
from sandbox.world.file_store import FileStore
from sandbox.world.flood_control import FloodControl
from sandbox.world.invoices import InvoiceStore, MessageKey
from sandbox.world.mailbox import Mailbox
from sandbox.world.pending_queries import PendingQueries
from sandbox.world.update_queue import BotUpdateQueue
from sandbox.world.webhook_delivery import WebhookDelivery

FIRST_PERSON_ID = 5_400_000_001
"""Above 32 bits, as real ids are, so that whoever stores them too small finds out."""
GENERAL_TOPIC_ID = 1
GENERAL_ICON_COLOR = 7322096
FIRST_ALBUM_ID = 13_900_000_000_000_001
FIRST_GROUP_ID = -1002000000001


@dataclass(frozen=True, slots=True)
class SandboxOptions:
    """What differs from one sandbox to the next."""

    flood_limits: bool = False
    """Whether too many calls are refused with 429."""
    inline_buttons_in_topics: bool = False
    """Whether buttons that type an inline query work in topics, which they do not in clients."""
    inline_feedback: bool = False
    """Whether the bot is told which inline result was chosen; @BotFather has it off."""
    reads_groups: bool = False
    """Whether privacy mode is off."""
    callback_seconds: float = 15.0
    inline_seconds: float = 10.0
    pre_checkout_seconds: float = 10.0


class World:
    """One bot, the people and groups it talks to, and all that happened so far.

    It lives in one event loop and needs no locks: no change of it waits halfway.

    :param now: where the time comes from.
    """

    def __init__(
        self, bot: BotProfile, now: Clock | None = None, options: SandboxOptions | None = None
    ) -> None:
        self.bot = bot
        self.options = options or SandboxOptions()
        self.now: Clock = now or (lambda: datetime.now(UTC))
        self.changes = ChangeLog()
        self.accounts: dict[int, UserAccount] = {}
        self.chats: dict[int, ChatState] = {}
        self.inline_messages: dict[str, MessageKey] = {}
        self.invoices = InvoiceStore()
        self.files = FileStore()
        self.mailbox = Mailbox(self.now, self.changes)
        self.faults = FaultInjector()
        self._next_album_id = FIRST_ALBUM_ID
        self._flood_control = FloodControl(self.now)
        self.queries = PendingQueries(
            self.now,
            self.changes.signal,
            {
                "callback": self.options.callback_seconds,
                "inline": self.options.inline_seconds,
                "pre_checkout": self.options.pre_checkout_seconds,
            },
        )
        self.updates = BotUpdateQueue(self.timestamp)
        self.webhook = WebhookDelivery(self.updates, self.timestamp)
        self.update_listeners: list[Callable[[Json], None]] = []
        """Called with every update on its way to the bot."""

    def timestamp(self) -> int:
        """Return the time in the seconds of the Bot API."""
        return int(self.now().timestamp())

    @property
    def group_chats(self) -> list[ChatState]:
        """The chats of all groups."""
        return [chat for chat in self.chats.values() if not chat.is_private]

    def add_account(
        self,
        first_name: str,
        language_code: str | None = None,
        username: str | None = None,
        last_name: str | None = None,
    ) -> UserAccount:
        """Add somebody who has not written to the bot yet."""
        person_id = FIRST_PERSON_ID + len(self.accounts)
        account = UserAccount(person_id, first_name, language_code, username, last_name)
        self.accounts[person_id] = account
        self.chats[person_id] = ChatState(person_id, account.private_chat_json())
        self.changes.record("people")
        return account

    def add_group_chat(
        self, title: str, *, is_forum: bool, username: str | None = None
    ) -> ChatState:
        """Add the chat of a supergroup that has no members yet."""
        group_id = FIRST_GROUP_ID - len(self.group_chats)
        shape: Json = {"id": group_id, "title": title, "type": "supergroup"}
        if username:
            shape["username"] = username
        if is_forum:
            shape["is_forum"] = True
        chat = ChatState(group_id, shape, is_forum=is_forum)
        if is_forum:
            chat.general = ForumTopic(GENERAL_TOPIC_ID, "General", GENERAL_ICON_COLOR)
        self.chats[group_id] = chat
        return chat

    def allocate_album_id(self) -> str:
        """Return the ``media_group_id`` for the messages of a new album."""
        self._next_album_id += 1
        return str(self._next_album_id)

    def change_options(self, **changes: bool) -> None:
        """Switch options on or off."""
        self.options = replace(self.options, **changes)
        self.changes.record("options")

    def count_message(self, chat: ChatState, calls: int = 1) -> None:
        """Count `calls` messages of the bot to a chat, or what counts like them in a group.

        :raises ApiError: 429 where that is too many, and flood limits are on.
        """
        if self.options.flood_limits:
            self._flood_control.count(chat.id, calls)

    def count_change(self, chat: ChatState) -> None:
        """Count an edit, a topic, a pin or a reaction of the bot, which limits groups only.

        :raises ApiError: 429 where that is one too many, and flood limits are on.
        """
        if not chat.is_private:
            self.count_message(chat)

    def send_update(self, kind: str, payload: Json) -> None:
        """Queue an update for the bot, unless it does not want that kind."""
        update = self.updates.add(kind, payload)
        if update is None:
            return
        for listener in self.update_listeners:
            listener(update)
        self.webhook.wake()
