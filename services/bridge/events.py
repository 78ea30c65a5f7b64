"""What the hub tells a chat, as typed events. Each belongs into the chat's own queue."""

from dataclasses import dataclass, field
from datetime import datetime
from enum import StrEnum

from reader_bridge.protocol import FailureCode, FailureValues, PairingWord, ProgressStep
from reader_bridge.protocol.operations import CardReport, CertificateCopy, PinChanged, ReaderList
from services.bridge.operations.task import Work


class Fault(StrEnum):
    """Why an operation did not come to its end, where it is not the bridge that says so."""

    CODE_AGAIN = "code_again"
    """The grant is over, or has been used; the subscriber code has to be asked for again."""
    NOT_YOUR_CARD = "not_your_card"
    """The card in the reader is not that person's."""
    WRONG_STATE = "wrong_state"
    """The certificates do not allow it (any more)."""
    SERVER_RESTARTED = "server_restarted"
    REPLACED = "replaced"
    """Another bridge was paired with the chat."""
    UNPAIRED = "unpaired"
    NO_ANSWER = "no_answer"
    """The bridge did not say in time what came of it."""
    RECEIPT_WRONG = "receipt_wrong"
    """The proof of possession is not of the card on record."""
    NOT_DONE = "not_done"
    """The card was asked and has no new PIN; the subscriber code has to be asked for again."""


class PairingEnd(StrEnum):
    """Why a pairing that was offered did not come about."""

    REFUSED_AT_PC = "refused_at_pc"
    REFUSED_IN_CHAT = "refused_in_chat"
    LINK_LOST = "link_lost"
    TOO_LATE = "too_late"
    ANOTHER_CODE = "another_code"
    """The chat asked for a new code, or the same chat's newer code was typed elsewhere."""


class PairedEnd(StrEnum):
    """Why a pairing ended."""

    BY_CHAT = "by_chat"
    BY_BRIDGE = "by_bridge"
    """The person closed the bridge."""
    REPLACED = "replaced"
    EXPIRED = "expired"


@dataclass(frozen=True)
class BridgeEvent:
    """Something the chat has to know."""

    chat_id: int


@dataclass(frozen=True)
class PairingOffered(BridgeEvent):
    """A bridge has typed the chat's code; the person compares the two words."""

    words: tuple[PairingWord, PairingWord]
    expires_at: datetime


@dataclass(frozen=True)
class PairingEnded(BridgeEvent):
    """That pairing did not come about."""

    reason: PairingEnd


@dataclass(frozen=True)
class NowPaired(BridgeEvent):
    """Both ends said yes.

    :ivar replaced: another bridge was paired before.
    """

    until: datetime
    replaced: bool


@dataclass(frozen=True)
class NowUnpaired(BridgeEvent):
    """The pairing ended."""

    reason: PairedEnd


@dataclass(frozen=True)
class LinkUp(BridgeEvent):
    """The paired bridge is there (again)."""


@dataclass(frozen=True)
class LinkDown(BridgeEvent):
    """The paired bridge's link was lost; it comes back by itself while the bridge runs."""


@dataclass(frozen=True)
class OperationEvent(BridgeEvent):
    """Something about one operation."""

    operation_id: str
    work: Work


@dataclass(frozen=True)
class Waiting(OperationEvent):
    """What it waits for."""

    step: ProgressStep
    tries_left: int | None = None


@dataclass(frozen=True)
class PinSet:
    """What activating and unlocking give.

    :ivar changed: `False` where the certificates were active already.
    :ivar other_chats: chats linked to the person, without this one.
    """

    changed: bool = True
    other_chats: tuple[int, ...] = ()


@dataclass(frozen=True)
class Possession:
    """What a proof of possession gives.

    :ivar certificate: of the key that signed, as the bridge gave it; who issued it is not checked.
    """

    card_serial: str
    certificate: bytes


Outcome = ReaderList | CardReport | CertificateCopy | PinChanged | Possession | PinSet


@dataclass(frozen=True)
class Done(OperationEvent):
    """It came to its end."""

    value: Outcome


@dataclass(frozen=True)
class Failed(OperationEvent):
    """It did not, and the PIN is as it was (but see `FailureCode.OUTCOME_UNKNOWN`).

    :ivar state: where the certificates stand, with `Fault.WRONG_STATE`.
    """

    code: FailureCode | Fault
    values: FailureValues = field(default_factory=FailureValues)
    state: str | None = None


@dataclass(frozen=True)
class Unresolved(OperationEvent):
    """It was cut off where the PIN may be set or not. The card will tell: `BridgeHub.resolve`.

    :ivar code: what cut it off, or why the card could not be asked.
    """

    code: FailureCode | Fault
    values: FailureValues = field(default_factory=FailureValues)
