"""The context of every handler: the services, and the language of the person."""

from collections.abc import Awaitable, Callable
from dataclasses import dataclass, field
from datetime import datetime
from typing import Any

from telegram import Update
from telegram.constants import ChatType
from telegram.ext import CallbackContext, ExtBot

from services.authority.interface.authority import Authority
from services.clock import SystemClock
from services.conversations import ConversationStore
from services.desk.desk import SupportDesk, TicketView
from services.faq.entries import Entries
from services.faq.search import FaqSearch
from services.formats.hidden import Hidden
from services.people.languages import LanguagePreferences
from services.repeated_taps import RepeatedTaps
from services.request_limits import RequestLimits
from services.secret_detection import SecretDetector
from services.storage.database import Database


async def _publish_nothing() -> None:
    """Stand for the menus where there is no process that sets them."""


@dataclass(frozen=True, slots=True)
class Services:
    """The services that handlers call."""

    database: Database
    languages: LanguagePreferences
    entries: Entries
    search: FaqSearch
    secret_detector: SecretDetector
    conversations: ConversationStore
    authority: Authority | None = None
    """`None` in guide mode, where the person is guided through the official page."""
    desk: SupportDesk | None = None
    """`None` where the settings name nobody who sets up a support desk."""
    payment_provider: Hidden | None = None
    """The token of the payment provider; `None` where nobody can pay in the chat."""
    confirm_charge_recorded: Callable[[int], None] = lambda _update_id: None
    """Called with the id of an update once its payment is recorded."""
    mark_secret: Callable[[int], None] = lambda _update_id: None
    """Called with the id of an update whose text is a secret, before it is handled."""
    is_repeated: Callable[[int], bool] = lambda _update_id: False
    """Whether this process has handled an update before, which was left undone."""
    publish_menus: Callable[[], Awaitable[None]] = _publish_nothing
    """Sets the command menus of the bot, once something that they depend on has changed."""
    request_limits: RequestLimits = field(default_factory=lambda: RequestLimits.from_texts(0))
    repeated_taps: RepeatedTaps = field(default_factory=RepeatedTaps)
    now: Callable[[], datetime] = field(default_factory=lambda: SystemClock().now)
    """Reads the clocks of this process."""


class Context(CallbackContext[ExtBot[Any], dict[Any, Any], dict[Any, Any], dict[str, Any]]):
    """The context of one update, with the services."""

    step_shown: bool = False
    """Whether the open step was shown for this update, or does not have to be."""
    is_confidential: bool = False
    """Whether the text may hold an unrecognised secret, so that it must not be stored."""
    ticket: TicketView | None = None
    """The ticket that the person's messages belong to, in their private chat."""
    is_passed_on: bool = False
    """Whether the text went to the staff, too."""
    conversation_session: object | None = None
    """The conversation loaded for this update; set by `handlers.engine.session`."""

    @property
    def services(self) -> Services:
        """The services."""
        services: Services = self.bot_data["services"]
        return services

    def offers_person(self, update: Update) -> bool:
        """Whether a person can be asked in the chat of an update."""
        desk, chat = self.services.desk, update.effective_chat
        is_set_up = desk is not None and desk.group_id is not None
        return is_set_up and chat is not None and chat.type == ChatType.PRIVATE

    @property
    def is_with_staff(self) -> bool:
        """Whether an agent has the person's ticket, so that the bot leaves the talking to them."""
        return self.ticket is not None and self.ticket.is_with_staff

    def may_be_in_conversation(self, update: Update) -> bool:
        """Whether the person may have a conversation open in this chat; costs no query."""
        user, chat = update.effective_user, update.effective_chat
        conversations = self.services.conversations
        return bool(user and chat and conversations.may_be_open(chat.id, user.id))

    def language(self, update: Update) -> str:
        """Return the language of the person behind an update."""
        user = update.effective_user
        if user is None:
            return self.services.languages.resolve(None, None)
        return self.services.languages.resolve(user.id, user.language_code)
