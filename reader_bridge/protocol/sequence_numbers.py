"""The sequence numbers of messages in both directions of a session."""

from collections import deque

from reader_bridge.protocol.errors import ProtocolError
from reader_bridge.protocol.limits import MAX_KEPT_MESSAGES
from reader_bridge.protocol.messages import Message, encode_frame


class OutgoingSequence:
    """The messages that this side has sent in a session; the latest are kept for a resumption."""

    def __init__(self) -> None:
        self.last = 0
        self._frames: deque[tuple[int, str]] = deque(maxlen=MAX_KEPT_MESSAGES)

    def number(self, message: Message) -> str:
        """Assign the next number to a message and return its frame.

        :raises ProtocolError: the message is out of bounds; no number is used up.
        """
        frame = encode_frame(message, self.last + 1)
        self.last += 1
        self._frames.append((self.last, frame))
        return frame

    def frames_after(self, seq: int) -> list[str] | None:
        """Return the frames that the other side has not seen.

        `None` where they are no longer kept, or where the other side claims to have seen more than
        was sent.
        """
        oldest = self._frames[0][0] if self._frames else self.last + 1
        if not oldest - 1 <= seq <= self.last:
            return None
        return [frame for number, frame in self._frames if number > seq]


class IncomingSequence:
    """The numbers that this side has seen of the other's messages in a session."""

    def __init__(self) -> None:
        self.last = 0

    def accept(self, seq: int) -> bool:
        """Note a number and return whether it is new; a message seen before is to be dropped.

        :raises ProtocolError: a message before it is missing.
        """
        if seq > self.last + 1:
            raise ProtocolError(field="seq")
        if seq <= self.last:
            return False
        self.last = seq
        return True
