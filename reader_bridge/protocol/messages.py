"""All messages by side, and the encoding of frames."""

import json
from dataclasses import dataclass
from typing import Any, NoReturn

from reader_bridge.protocol import codec
from reader_bridge.protocol.enums import Operation, ProtocolErrorCode
from reader_bridge.protocol.errors import ProtocolError, UnknownOperationError
from reader_bridge.protocol.limits import MAX_FRAME_BYTES, MAX_SEQ
from reader_bridge.protocol.operation_messages import (
    AdminAnswer,
    AdminChallenge,
    AdminCryptogram,
    AdminVerified,
    Bye,
    CancelOperation,
    ErrorMessage,
    OperationFailure,
    OperationResult,
    ProgressReport,
    StartOperation,
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

ServerMessage = (
    Greeting
    | Welcome
    | PairRefused
    | PairOffer
    | Paired
    | Unpaired
    | StartOperation
    | AdminCryptogram
    | AdminVerified
    | CancelOperation
    | ErrorMessage
)
BridgeMessage = (
    Hello
    | Pair
    | PairAnswer
    | ProgressReport
    | AdminChallenge
    | AdminAnswer
    | OperationResult
    | OperationFailure
    | Bye
    | ErrorMessage
)
Message = ServerMessage | BridgeMessage

SERVER_MESSAGES: dict[str, type[ServerMessage]] = {
    "greeting": Greeting,
    "welcome": Welcome,
    "pair_refused": PairRefused,
    "pair_offer": PairOffer,
    "paired": Paired,
    "unpaired": Unpaired,
    "start": StartOperation,
    "admin_cryptogram": AdminCryptogram,
    "admin_verified": AdminVerified,
    "cancel": CancelOperation,
    "error": ErrorMessage,
}
BRIDGE_MESSAGES: dict[str, type[BridgeMessage]] = {
    "hello": Hello,
    "pair": Pair,
    "pair_answer": PairAnswer,
    "progress": ProgressReport,
    "admin_challenge": AdminChallenge,
    "admin_answer": AdminAnswer,
    "result": OperationResult,
    "failure": OperationFailure,
    "bye": Bye,
    "error": ErrorMessage,
}
UNNUMBERED: tuple[type[Message], ...] = (Greeting, Hello, Welcome)
"""They carry the number 0, and are neither counted nor sent again."""
_TYPES = {kind: name for name, kind in (SERVER_MESSAGES | BRIDGE_MESSAGES).items()}
_LONGEST_INTEGER = 20
"""Digits of an integer in JSON."""


@dataclass(frozen=True, slots=True, repr=False)
class Frame:
    """A parsed frame; :meth:`decode_from_server` and :meth:`decode_from_bridge` decode its message.

    :ivar message_type: the name of the message's type.
    :ivar seq: its number.
    """

    message_type: str
    seq: int
    _values: dict[str, Any]

    def decode_from_server(self) -> ServerMessage:
        """Decode a message of a server.

        :raises ProtocolError: the message is invalid.
        :raises UnknownOperationError: the message starts an operation that does not exist.
        """
        kind = SERVER_MESSAGES.get(self.message_type)
        if kind is StartOperation:
            self._check_operation()
        message: ServerMessage = self._decode(kind)
        return message

    def decode_from_bridge(self) -> BridgeMessage:
        """Decode a message of a bridge.

        :raises ProtocolError: the message is invalid.
        """
        message: BridgeMessage = self._decode(BRIDGE_MESSAGES.get(self.message_type))
        return message

    def _decode(self, kind: type[Any] | None) -> Any:
        if kind is None:
            raise ProtocolError(ProtocolErrorCode.UNKNOWN_MESSAGE, "type")
        if (kind in UNNUMBERED) is not (self.seq == 0) and kind is not ErrorMessage:
            raise ProtocolError(field="seq")
        return codec.decode_object(kind, self._values)

    def _check_operation(self) -> None:
        operation = self._values.get("operation")
        if isinstance(operation, str) and operation not in list(Operation):
            raise UnknownOperationError(
                codec.decode_field(StartOperation, "operation_id", self._values)
            )


def encode_frame(message: Message, seq: int = 0) -> str:
    """Encode a message with its number.

    :raises ProtocolError: the message is out of bounds, which is an error of this side.
    """
    head = {"type": _TYPES[type(message)], "seq": seq}
    text = json.dumps(head | codec.encode_object(message), separators=(",", ":"))
    if len(text) > MAX_FRAME_BYTES:
        raise ProtocolError
    return text


def parse_frame(text: str) -> Frame:
    """Parse a frame as far as type and number.

    :raises ProtocolError: the text is not a frame.
    """
    if len(text) > MAX_FRAME_BYTES:
        raise ProtocolError(field="frame")
    try:
        values = json.loads(
            text,
            object_pairs_hook=_object_without_repeated_names,
            parse_int=_parse_integer,
            parse_constant=_refuse_constant,
        )
    except (ValueError, RecursionError):
        raise ProtocolError(field="json") from None
    if type(values) is not dict:
        raise ProtocolError(field="json")
    kind, seq = values.get("type"), values.get("seq")
    if type(kind) is not str or type(seq) is not int or not 0 <= seq <= MAX_SEQ:
        raise ProtocolError(field="envelope")
    return Frame(kind, seq, values)


def _object_without_repeated_names(pairs: list[tuple[str, Any]]) -> dict[str, Any]:
    values = dict(pairs)
    if len(values) != len(pairs):
        raise ProtocolError(field="json")
    return values


def _parse_integer(digits: str) -> int:
    """Parse an integer; long ones take quadratic time, and no field holds one."""
    if len(digits) > _LONGEST_INTEGER:
        raise ProtocolError(field="json")
    return int(digits)


def _refuse_constant(_: str) -> NoReturn:
    raise ProtocolError(field="json")
