"""All messages: which side sends which, and how a frame is written and read."""

import json
from dataclasses import dataclass
from typing import Any, NoReturn

from reader_bridge.protocol import codec
from reader_bridge.protocol.errors import ProtocolError, UnknownOperationError
from reader_bridge.protocol.limits import MOST_FRAME_BYTES, MOST_SEQ
from reader_bridge.protocol.operation_messages import (
    AdminAnswer,
    AdminChallenge,
    AdminCryptogram,
    AdminVerified,
    Bye,
    Cancel,
    ErrorMessage,
    Failure,
    Progress,
    Result,
    Start,
)
from reader_bridge.protocol.pairing_messages import (
    Greeting,
    Hello,
    Pair,
    PairAnswer,
    Paired,
    PairOffer,
    PairRefused,
    Unpaired,
    Welcome,
)
from reader_bridge.protocol.vocabulary import ErrorCode, Operation

FromServer = (
    Greeting
    | Welcome
    | PairRefused
    | PairOffer
    | Paired
    | Unpaired
    | Start
    | AdminCryptogram
    | AdminVerified
    | Cancel
    | ErrorMessage
)
FromBridge = (
    Hello
    | Pair
    | PairAnswer
    | Progress
    | AdminChallenge
    | AdminAnswer
    | Result
    | Failure
    | Bye
    | ErrorMessage
)
Message = FromServer | FromBridge

FROM_SERVER: dict[str, type[FromServer]] = {
    "greeting": Greeting,
    "welcome": Welcome,
    "pair_refused": PairRefused,
    "pair_offer": PairOffer,
    "paired": Paired,
    "unpaired": Unpaired,
    "start": Start,
    "admin_cryptogram": AdminCryptogram,
    "admin_verified": AdminVerified,
    "cancel": Cancel,
    "error": ErrorMessage,
}
FROM_BRIDGE: dict[str, type[FromBridge]] = {
    "hello": Hello,
    "pair": Pair,
    "pair_answer": PairAnswer,
    "progress": Progress,
    "admin_challenge": AdminChallenge,
    "admin_answer": AdminAnswer,
    "result": Result,
    "failure": Failure,
    "bye": Bye,
    "error": ErrorMessage,
}
UNNUMBERED: tuple[type[Message], ...] = (Greeting, Hello, Welcome)
"""They carry the number 0, and are neither counted nor sent again."""
_TYPES = {kind: name for name, kind in (FROM_SERVER | FROM_BRIDGE).items()}


@dataclass(frozen=True, slots=True, repr=False)
class Frame:
    """A frame that was opened; what is in it, is read by :meth:`from_server` or the other one.

    :ivar name: of the message's type.
    :ivar seq: its number.
    """

    name: str
    seq: int
    _values: dict[str, Any]

    def from_server(self) -> FromServer:
        """Read a message of a server.

        :raises ProtocolError: where it is none.
        :raises UnknownOperationError: where it starts what does not exist.
        """
        kind = FROM_SERVER.get(self.name)
        if kind is Start:
            self._check_operation()
        message: FromServer = self._read(kind)
        return message

    def from_bridge(self) -> FromBridge:
        """Read a message of a bridge.

        :raises ProtocolError: where it is none.
        """
        message: FromBridge = self._read(FROM_BRIDGE.get(self.name))
        return message

    def _read(self, kind: type[Any] | None) -> Any:
        if kind is None:
            raise ProtocolError(ErrorCode.UNKNOWN_MESSAGE, "type")
        if (kind in UNNUMBERED) is not (self.seq == 0) and kind is not ErrorMessage:
            raise ProtocolError(where="seq")
        return codec.read_object(kind, self._values)

    def _check_operation(self) -> None:
        operation = self._values.get("operation")
        if isinstance(operation, str) and operation not in list(Operation):
            raise UnknownOperationError(codec.read_field(Start, "operation_id", self._values))


def write_frame(message: Message, seq: int = 0) -> str:
    """Write a message with its number.

    :raises ProtocolError: where it is out of its bounds: a mistake of this side.
    """
    head = {"type": _TYPES[type(message)], "seq": seq}
    text = json.dumps(head | codec.write_object(message), separators=(",", ":"))
    if len(text) > MOST_FRAME_BYTES:
        raise ProtocolError
    return text


def open_frame(text: str) -> Frame:
    """Take a frame apart, as far as type and number.

    :raises ProtocolError: where it is none.
    """
    if len(text) > MOST_FRAME_BYTES:
        raise ProtocolError(where="frame")
    try:
        values = json.loads(text, object_pairs_hook=_without_repeats, parse_constant=_refuse)
    except (ValueError, RecursionError):
        raise ProtocolError(where="json") from None
    if type(values) is not dict:
        raise ProtocolError(where="json")
    kind, seq = values.get("type"), values.get("seq")
    if type(kind) is not str or type(seq) is not int or not 0 <= seq <= MOST_SEQ:
        raise ProtocolError(where="envelope")
    return Frame(kind, seq, values)


def _without_repeats(pairs: list[tuple[str, Any]]) -> dict[str, Any]:
    values = dict(pairs)
    if len(values) != len(pairs):
        raise ProtocolError(where="json")
    return values


def _refuse(_: str) -> NoReturn:
    raise ProtocolError(where="json")
