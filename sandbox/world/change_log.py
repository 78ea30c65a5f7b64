"""What changed, for pages and transcripts that follow along."""

from collections import deque
from dataclasses import dataclass

from sandbox.world.change_signal import ChangeSignal
from sandbox.world.chats import ChatState

_KEPT_CHANGES = 1000


@dataclass(frozen=True, slots=True)
class WorldChange:
    """Something that a page may have to show. The field names are those of the event stream."""

    version: int
    kind: str
    chat_id: int | None


class ChangeLog:
    """The last changes, numbered; `signal` is notified of each."""

    def __init__(self) -> None:
        self.signal = ChangeSignal()
        self._changes: deque[WorldChange] = deque(
            [WorldChange(0, "start", None)], maxlen=_KEPT_CHANGES
        )

    @property
    def version(self) -> int:
        """The number of the last change."""
        return self._changes[-1].version

    def record(self, kind: str, chat: ChatState | None = None) -> None:
        """Number a change, of `chat` if it concerns one, and wake whoever waits for it."""
        version = self.version + 1
        if chat is not None:
            chat.version = version
        self._changes.append(WorldChange(version, kind, chat.id if chat else None))
        self.signal.notify()

    def since(self, version: int) -> list[WorldChange] | None:
        """Return the changes after `version`, or None if there are none."""
        return [change for change in self._changes if change.version > version] or None
