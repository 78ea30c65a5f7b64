"""Events that the hub publishes to a chat. Each is handled in the chat's own order."""

from dataclasses import dataclass, field
from datetime import datetime
from enum import StrEnum

from reader_bridge.protocol import FailureCode, FailureValues, PairingWord, ProgressStep
from reader_bridge.protocol.operation_payloads import (
    CardReport,
    CertificateCopy,
    PinChanged,
    ReaderList,
)
from services.bridge.operations.card_task import CardTask


class ServerFailure(StrEnum):
    """Why an operation failed, as the server found it; the bridge's own are `FailureCode`."""

    CODE_AGAIN = "code_again"
    """The grant is over or used; the subscriber code has to be entered again."""
    NOT_YOUR_CARD = "not_your_card"
    """The card in the reader belongs to somebody else."""
    WRONG_STATE = "wrong_state"
    """The certificates' state does not allow it."""
    SERVER_RESTARTED = "server_restarted"
    REPLACED = "replaced"
    """Another bridge was paired with the chat."""
    UNPAIRED = "unpaired"
    NO_ANSWER = "no_answer"
    """The bridge did not report the outcome in time."""
    RECEIPT_WRONG = "receipt_wrong"
    """The proof of possession is not of the card on record."""
    UNCONFIRMED = "unconfirmed"
    """The bridge was stopped and did not report how it ended: the old PIN is right, or the new."""
    NOT_DONE = "not_done"
    """The card has no new PIN; the subscriber code has to be entered again."""


class PairingFailureReason(StrEnum):
    """Why a pairing was not confirmed."""

    REFUSED_AT_PC = "refused_at_pc"
    REFUSED_IN_CHAT = "refused_in_chat"
    LINK_LOST = "link_lost"
    TOO_LATE = "too_late"
    ANOTHER_CODE = "another_code"
    """The chat asked for a new code, or a newer code of the chat was typed elsewhere."""


class PairingEndReason(StrEnum):
    """Why a pairing ended."""

    BY_CHAT = "by_chat"
    BY_BRIDGE = "by_bridge"
    """The person closed the bridge."""
    REPLACED = "replaced"
    EXPIRED = "expired"


@dataclass(frozen=True)
class BridgeEvent:
    """Something that concerns a chat."""

    chat_id: int


@dataclass(frozen=True)
class PairingOffered(BridgeEvent):
    """The chat's code was typed at a PC; the person compares the two words."""

    words: tuple[PairingWord, PairingWord]
    expires_at: datetime


@dataclass(frozen=True)
class PairingDelayed(BridgeEvent):
    """The chat's code was typed at a PC whose network has typed too many wrong ones.

    It was not spent.

    :ivar until: when codes from that network are looked at again.
    """

    until: datetime


@dataclass(frozen=True)
class PairingFailed(BridgeEvent):
    """The pairing was not confirmed."""

    reason: PairingFailureReason


@dataclass(frozen=True)
class BridgePaired(BridgeEvent):
    """The pairing was confirmed on both sides.

    :ivar replaced: another bridge was paired before.
    """

    expires_at: datetime
    replaced: bool


@dataclass(frozen=True)
class BridgeUnpaired(BridgeEvent):
    """The pairing ended."""

    reason: PairingEndReason


@dataclass(frozen=True)
class BridgeConnected(BridgeEvent):
    """The paired bridge has connected again."""


@dataclass(frozen=True)
class BridgeDisconnected(BridgeEvent):
    """The paired bridge's connection was lost; it reconnects by itself while it runs."""


@dataclass(frozen=True)
class CardTaskEvent(BridgeEvent):
    """Something that concerns one operation."""

    operation_id: str
    task: CardTask


@dataclass(frozen=True)
class CardTaskProgressed(CardTaskEvent):
    """The operation has reached a step, which may wait for the person."""

    step: ProgressStep
    tries_left: int | None = None


@dataclass(frozen=True)
class PinSetResult:
    """Value of activating and unlocking.

    :ivar changed: `False` where the certificates were active already.
    :ivar other_chats: chats linked to the person, without this one.
    """

    changed: bool = True
    other_chats: tuple[int, ...] = ()


@dataclass(frozen=True)
class ProvenPossession:
    """Value of a proof of possession.

    :ivar certificate: of the key that signed, as the bridge sent it; its issuer is not checked.
    """

    card_serial: str
    certificate: bytes


CardTaskValue = (
    ReaderList | CardReport | CertificateCopy | PinChanged | ProvenPossession | PinSetResult
)


@dataclass(frozen=True)
class CardTaskSucceeded(CardTaskEvent):
    """The operation succeeded.

    :ivar is_cancelled: the person cancelled it, which came too late.
    """

    value: CardTaskValue
    is_cancelled: bool = False


@dataclass(frozen=True)
class CardTaskFailed(CardTaskEvent):
    """The operation failed; the PIN is as it was.

    Not certain is that with `FailureCode.OUTCOME_UNKNOWN` and `ServerFailure.UNCONFIRMED`.

    :ivar state: of the certificates, with `ServerFailure.WRONG_STATE`.
    :ivar is_cancelled: the person cancelled it, and waits to hear how it ended.
    """

    code: FailureCode | ServerFailure
    values: FailureValues = field(default_factory=FailureValues)
    state: str | None = None
    is_cancelled: bool = False


@dataclass(frozen=True)
class CardTaskUnresolved(CardTaskEvent):
    """It was interrupted where the PIN may or may not be set; see `BridgeHub.resolve`.

    :ivar code: what interrupted it, or why the card could not be asked.
    :ivar waits_for_person: the card was asked in vain, and is asked again only when the person
        wants it.
    """

    code: FailureCode | ServerFailure
    values: FailureValues = field(default_factory=FailureValues)
    waits_for_person: bool = False
