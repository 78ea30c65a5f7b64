"""What every handler is given: the services, and the language of who wrote."""

from collections.abc import Callable
from dataclasses import dataclass
from datetime import UTC, datetime
from typing import Any

from telegram import Update
from telegram.ext import CallbackContext, ExtBot

from services.authority.interface.authority import Authority
from services.conversations import ConversationStore
from services.faq.entries import Entries
from services.faq.search import FaqSearch
from services.formats.hidden import Hidden
from services.people.languages import LanguagePreferences
from services.secret_shapes import SecretDetector
from services.storage.database import Database


@dataclass(frozen=True, slots=True)
class Services:
    """The services handlers call."""

    database: Database
    languages: LanguagePreferences
    entries: Entries
    search: FaqSearch
    secret_detector: SecretDetector
    conversations: ConversationStore
    authority: Authority | None = None
    """`None` where the person is guided through the official page instead."""
    payment_provider: Hidden | None = None
    """The token of the payment provider; without it nobody can pay in the chat."""
    confirm_charge_recorded: Callable[[int], None] = lambda _update_id: None
    """Told the id of an update once the money it tells of is on record."""
    now: Callable[[], datetime] = lambda: datetime.now(UTC)


class Context(CallbackContext[ExtBot[Any], dict[Any, Any], dict[Any, Any], dict[str, Any]]):
    """PTB's context with our services on it; there is one for each update."""

    step_shown: bool = False
    """Whether this update was answered with the step of a conversation, or need not be."""
    is_confidential: bool = False
    """Whether the text may hold something secret that was not recognised; it is noted nowhere."""
    conversation_session: object | None = None
    """The stored conversation, loaded for this update; `handlers.engine.session` owns it."""

    @property
    def services(self) -> Services:
        """The services."""
        services: Services = self.bot_data["services"]
        return services

    def language(self, update: Update) -> str:
        """Return the language to speak to the person behind an update."""
        user = update.effective_user
        if user is None:
            return self.services.languages.resolve(None, None)
        return self.services.languages.resolve(user.id, user.language_code)
