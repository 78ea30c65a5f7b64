"""The messages that follow events on the PC, in memory: their ids, pairing codes and progress.

Nothing of it is stored, since a pairing code must not be. After a restart the hub reports how a
running operation ended, and the person gets a new message.
"""

from collections.abc import Iterator
from dataclasses import dataclass, field
from datetime import datetime, timedelta

from handlers.engine.model import StepContext
from reader_bridge.protocol import ProgressStep
from services.bridge.operations.card_task import CardTask
from services.bridge.pairing.codes import PairingCode
from services.clock import steady_time

_MAX_AGE = timedelta(hours=12)
"""As long as a pairing lasts; a chat without an update for longer gets a new message."""


@dataclass
class OperationProgress:
    """The progress of a running operation.

    :ivar step: what the PC waits for; `None` before it answered.
    :ivar tries_left: the tries left for the PIN, after a wrong one.
    :ivar is_linked: whether the bridge is connected.
    """

    work: CardTask
    step: ProgressStep | None = None
    tries_left: int | None = None
    is_linked: bool = True


@dataclass
class _ChatState:
    """The live message of one chat.

    :ivar minutes: the minutes that are shown for the code.
    :ivar delayed_until: when the PC's network may send a code again.
    :ivar at: when the message was shown last.
    """

    message_id: int | None = None
    client_language: str | None = None
    code: PairingCode | None = None
    minutes: int | None = None
    delayed_until: datetime | None = None
    progress: OperationProgress | None = None
    at: datetime | None = None


@dataclass
class LiveMessages:
    """The live message, pairing code and progress of each chat."""

    _chats: dict[int, _ChatState] = field(default_factory=dict)

    def record_message(self, ctx: StepContext, message_id: int) -> None:
        """Store the id of the message that a live step is shown in."""
        state = self._chat(ctx.chat_id)
        state.message_id, state.at = message_id, steady_time(ctx.now)
        state.client_language = ctx.client_language or state.client_language

    def message_id(self, chat_id: int) -> int | None:
        """Return the id of the message to edit; `None` where a new one has to be sent."""
        state = self._chats.get(chat_id)
        return state.message_id if state else None

    def client_language(self, chat_id: int) -> str | None:
        """Return the language of the person's Telegram client; `None` where unknown."""
        state = self._chats.get(chat_id)
        return state.client_language if state else None

    def set_code(self, chat_id: int, code: PairingCode | None) -> None:
        """Store the pairing code that the chat shows; `None` once it is used or withdrawn."""
        state = self._chat(chat_id)
        state.code, state.delayed_until = code, None

    def set_delay(self, chat_id: int, until: datetime) -> None:
        """Store until when codes from the PC's network are not looked at."""
        self._chat(chat_id).delayed_until = until

    def delayed_minutes(self, chat_id: int, now: datetime) -> int:
        """Return the minutes until codes from the PC's network are looked at; 0 where they are."""
        state = self._chats.get(chat_id)
        until = state.delayed_until if state else None
        return 0 if until is None or until <= now else -int((now - until) // timedelta(minutes=1))

    def code(self, chat_id: int, now: datetime) -> PairingCode | None:
        """Return the pairing code that the chat shows, unless it has expired."""
        state = self._chats.get(chat_id)
        code = state.code if state else None
        return code if code is not None and code.expires_at > steady_time(now) else None

    def minutes_left(self, chat_id: int, now: datetime) -> int:
        """Return the minutes until the code expires, rounded up."""
        code = self.code(chat_id, now)
        if code is None:
            return 0
        return -int((steady_time(now) - code.expires_at) // timedelta(minutes=1))

    def have_minutes_changed(self, chat_id: int, now: datetime) -> bool:
        """Return whether the minutes that are shown differ from those at the last call."""
        state = self._chat(chat_id)
        left = self.minutes_left(chat_id, now) + self.delayed_minutes(chat_id, now)
        before, state.minutes = state.minutes, left
        return before != left

    def chats_with_code(self) -> Iterator[int]:
        """Return the ids of the chats that show a code."""
        return iter([chat for chat, state in self._chats.items() if state.code is not None])

    def begin_operation(self, chat_id: int, work: CardTask) -> OperationProgress:
        """Start the progress of an operation."""
        state = self._chat(chat_id)
        state.progress = OperationProgress(work)
        return state.progress

    def progress(self, chat_id: int) -> OperationProgress | None:
        """Return the progress of the running operation; `None` where none is running."""
        state = self._chats.get(chat_id)
        return state.progress if state else None

    def end_operation(self, chat_id: int) -> None:
        """Remove the progress of the operation."""
        if chat_id in self._chats:
            self._chats[chat_id].progress = None

    def remove_old(self, now: datetime) -> None:
        """Remove chats without an update for long."""
        for chat, state in list(self._chats.items()):
            if state.at is None or steady_time(now) - state.at > _MAX_AGE:
                del self._chats[chat]

    def _chat(self, chat_id: int) -> _ChatState:
        return self._chats.setdefault(chat_id, _ChatState())
