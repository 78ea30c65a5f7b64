"""The enumerations of the protocol: operations, steps, reasons, card profiles, key roles."""

import re
from enum import StrEnum

_NAME = re.compile(r"[a-z]+(_[a-z]+){0,5}")


def is_name(value: object) -> bool:
    """Whether a value has the form that the values of the enumerations have."""
    return isinstance(value, str) and len(value) <= 40 and bool(_NAME.fullmatch(value))


class Operation(StrEnum):
    """Everything a server can ask of a bridge."""

    LIST_READERS = "list_readers"
    CARD_STATUS = "card_status"
    READ_CERTIFICATE = "read_certificate"
    PROVE_POSSESSION = "prove_possession"
    SET_PIN = "set_pin"
    CHANGE_PIN = "change_pin"


class PinPurpose(StrEnum):
    """Why a PIN is set without the current one, or possession is proved."""

    ACTIVATE = "activate"
    """開卡: the first PIN of a new card."""
    UNLOCK = "unlock"
    """鎖卡解碼: a new PIN after too many wrong ones."""


class ProfileName(StrEnum):
    """The card applications that a bridge recognises, in the order in which it tries them."""

    # Each is a module in reader_bridge/card/profiles, named like the value here.

    GIDS = "gids"
    PIV = "piv"
    MOICA = "moica"
    """A real MOICA card: read, and never sent a PIN."""
    UNKNOWN = "unknown"


class KeyRole(StrEnum):
    """What a key of the card is for."""

    AUTHENTICATION = "authentication"
    SIGNATURE = "signature"
    ENCRYPTION = "encryption"


class SignatureAlgorithm(StrEnum):
    """How a statement was signed, named as RFC 7518 §3.1 does; ECDSA values are DER."""

    RS256 = "RS256"
    ES256 = "ES256"
    ES384 = "ES384"


class ProgressStep(StrEnum):
    """What a running operation waits for."""

    WAITING_FOR_READER = "waiting_for_reader"
    WAITING_FOR_CARD = "waiting_for_card"
    """No card is there, or only others than the one that was named."""
    WAITING_FOR_LEAVE = "waiting_for_leave"
    """The person is asked on the PC whether cards may be looked at; none was looked at yet."""
    WAITING_FOR_PERSON = "waiting_for_person"
    """The card is there, and the right one where one was named; the person reads the question on
    the PC, or types the PIN."""
    WRONG_PIN = "wrong_pin"
    """The person typed a wrong PIN and is asked again; `tries_left` says how many are left."""

    @classmethod
    def _missing_(cls, value: object) -> "ProgressStep | None":
        """Return what a step of a newer bridge counts as."""
        return cls.WAITING_FOR_PERSON if is_name(value) else None


class PairRefusal(StrEnum):
    """Why a pairing code was not taken."""

    WRONG_CODE = "wrong_code"
    TOO_MANY_TRIES = "too_many_tries"
    """Wait `wait_seconds`."""
    EXPIRED = "expired"
    """It was right, and is too old; the chat gives a new one."""


class UnpairReason(StrEnum):
    """Why a pairing ended, or an offered one was not confirmed."""

    BY_CHAT = "by_chat"
    REPLACED = "replaced"
    """Another bridge was paired with the same chat."""
    EXPIRED = "expired"
    """Its twelve hours are over, or the offer was not answered in time."""
    REFUSED = "refused"
    """The words were refused, in the chat or at the PC."""
    SERVER_FORGOT = "server_forgot"


class ByeReason(StrEnum):
    """Why a bridge leaves."""

    CLOSED = "closed"
    """The person closed it."""
    REFUSED = "refused"
    """The person refused several operations in a row."""
    EXPIRED = "expired"
    """The twelve hours are over."""
    UPDATE_NEEDED = "update_needed"


class ProtocolErrorCode(StrEnum):
    """What is wrong with a message, rather than with an operation."""

    BAD_MESSAGE = "bad_message"
    """No message of this protocol, or out of its numbers. The sender of `error` closes the link."""
    UNKNOWN_MESSAGE = "unknown_message"
    """A type this side does not know. The link stays."""
    UNKNOWN_OPERATION = "unknown_operation"
    """An operation this side does not know; told as the `failure` of that operation."""
    BAD_STATE = "bad_state"
    """A message that is not allowed now. The link stays, the message has no effect."""
    UNSUPPORTED_API_LEVEL = "unsupported_api_level"
    """No common level; the sender closes the link."""
    BUSY = "busy"
    """The server takes no more bridges now; the sender closes the link."""
    GOING_DOWN = "going_down"
    """The server stops or restarts; the sender closes the link, and the bridge may come back."""


class SessionState(StrEnum):
    """The states of a session."""

    UNPAIRED = "unpaired"
    OFFERED = "offered"
    """The code was sent; it is the server's turn."""
    CONFIRMING = "confirming"
    """The code was right; the person at the PC compares host, name and words."""
    ANSWERED = "answered"
    """They said yes; it is the chat's turn. Only now a bridge lets itself be paired."""
    PAIRED = "paired"
    WORKING = "working"
    """An operation runs."""
    AUTHENTICATING = "authenticating"
    """It has sent the card's challenge, and waits for the cryptogram."""
    PROVING = "proving"
    """It has sent the card's answer, and waits to hear whether the card is genuine."""


ALLOWED_IN: dict[Operation, frozenset[SessionState]] = {
    operation: frozenset({SessionState.PAIRED}) for operation in Operation
}
"""While an operation runs another one is `busy`, in all other states `bad_state`."""
