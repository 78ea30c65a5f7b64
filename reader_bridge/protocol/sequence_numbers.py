"""The numbers of messages: what is new, what was seen, and what has to be sent again."""

from collections import deque

from reader_bridge.protocol.errors import ProtocolError
from reader_bridge.protocol.limits import MAX_KEPT_MESSAGES
from reader_bridge.protocol.messages import Message, encode_frame


class OutgoingSequence:
    """What this side has sent in a session, the latest of it kept for a resumption."""

    def __init__(self) -> None:
        self.last = 0
        self._frames: deque[tuple[int, str]] = deque(maxlen=MAX_KEPT_MESSAGES)

    def number(self, message: Message) -> str:
        """Give the next number to a message, and its frame.

        :raises ProtocolError: where it is out of its bounds; no number is used up then.
        """
        frame = encode_frame(message, self.last + 1)
        self.last += 1
        self._frames.append((self.last, frame))
        return frame

    def frames_after(self, seq: int) -> list[str] | None:
        """Give the frames the other side has not seen.

        `None` where they are not kept any more, or where it says it saw what was never sent.
        """
        oldest = self._frames[0][0] if self._frames else self.last + 1
        if not oldest - 1 <= seq <= self.last:
            return None
        return [frame for number, frame in self._frames if number > seq]


class IncomingSequence:
    """What this side has seen of the other's messages in a session."""

    def __init__(self) -> None:
        self.last = 0

    def accept(self, seq: int) -> bool:
        """Tell whether a message is to be looked at; one that was seen is dropped.

        :raises ProtocolError: where one is missing before it.
        """
        if seq > self.last + 1:
            raise ProtocolError(field="seq")
        if seq <= self.last:
            return False
        self.last = seq
        return True
