"""What is shown live, in memory: which message it stands in, the pairing code, how far the PC is.

Nothing of it outlives the process, which is how it should be with a code. After a restart the hub
tells how what was under way ended, and the person is shown that in a new message.
"""

from collections.abc import Iterator
from dataclasses import dataclass, field
from datetime import datetime, timedelta

from handlers.engine.model import StepContext
from reader_bridge.protocol import ProgressStep
from services.bridge.operations.task import CardTask
from services.bridge.pairing.codes import PairingCode

_KEPT = timedelta(hours=12)
"""As long as a pairing; a chat that showed nothing for longer gets a new message."""


@dataclass
class OperationProgress:
    """How far one operation is.

    :ivar step: what it waits for.
    :ivar tries_left: of the PIN, after a wrong one.
    :ivar is_linked: whether the bridge's link stands.
    """

    work: CardTask
    step: ProgressStep | None = None
    tries_left: int | None = None
    is_linked: bool = True


@dataclass
class _ChatState:
    """One chat."""

    message_id: int | None = None
    client_language: str | None = None
    code: PairingCode | None = None
    minutes: int | None = None
    progress: OperationProgress | None = None
    at: datetime | None = None


@dataclass
class LiveMessages:
    """Every chat that shows something live."""

    _chats: dict[int, _ChatState] = field(default_factory=dict)

    def record_message(self, ctx: StepContext, message_id: int) -> None:
        """Note in which message a live step stands now."""
        place = self._chat(ctx.chat_id)
        place.message_id, place.at = message_id, ctx.now
        place.client_language = ctx.client_language or place.client_language

    def message_id(self, chat_id: int) -> int | None:
        """Return the message to edit; `None` where a new one is due."""
        place = self._chats.get(chat_id)
        return place.message_id if place else None

    def client_language(self, chat_id: int) -> str | None:
        """Return what the person's client speaks, as far as it was heard."""
        place = self._chats.get(chat_id)
        return place.client_language if place else None

    def set_code(self, chat_id: int, code: PairingCode | None) -> None:
        """Keep the code the chat shows; `None` once it is of no use."""
        self._chat(chat_id).code = code

    def code(self, chat_id: int, now: datetime) -> PairingCode | None:
        """Return the code the chat shows, while it is good."""
        place = self._chats.get(chat_id)
        code = place.code if place else None
        return code if code is not None and code.expires_at > now else None

    def minutes_left(self, chat_id: int, now: datetime) -> int:
        """Return for how many more minutes the code is good, begun ones counted whole."""
        code = self.code(chat_id, now)
        return 0 if code is None else -int((now - code.expires_at) // timedelta(minutes=1))

    def have_minutes_changed(self, chat_id: int, now: datetime) -> bool:
        """Return whether the minutes shown are others by now; asked once for each."""
        place, left = self._chat(chat_id), self.minutes_left(chat_id, now)
        before, place.minutes = place.minutes, left
        return before != left

    def chats_with_code(self) -> Iterator[int]:
        """Return the chats that show a code."""
        return iter([chat for chat, place in self._chats.items() if place.code is not None])

    def begin_operation(self, chat_id: int, work: CardTask) -> OperationProgress:
        """Note that something is under way."""
        place = self._chat(chat_id)
        place.progress = OperationProgress(work)
        return place.progress

    def progress(self, chat_id: int) -> OperationProgress | None:
        """Return how far it is; `None` where nothing is under way."""
        place = self._chats.get(chat_id)
        return place.progress if place else None

    def end_operation(self, chat_id: int) -> None:
        """Note that nothing is under way any more."""
        if chat_id in self._chats:
            self._chats[chat_id].progress = None

    def remove_old(self, now: datetime) -> None:
        """Forget chats that showed nothing for long."""
        for chat, place in list(self._chats.items()):
            if place.at is None or now - place.at > _KEPT:
                del self._chats[chat]

    def _chat(self, chat_id: int) -> _ChatState:
        return self._chats.setdefault(chat_id, _ChatState())
