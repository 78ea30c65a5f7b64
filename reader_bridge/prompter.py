"""What the person at the PC is asked and shown, as types with values; the words are the app's.

Whoever implements :class:`Prompter` has no say in what is sent to the card: it answers questions.
A question is taken back by cancelling the task that asks it; the prompter puts itself in order.
"""

from dataclasses import dataclass
from enum import StrEnum
from typing import Protocol

from reader_bridge.card.profiles.base import PinRules
from reader_bridge.card.secret_buffer import SecretBuffer
from reader_bridge.protocol.failures import FailureCode, FailureValues
from reader_bridge.protocol.operations import ResultValue
from reader_bridge.protocol.vocabulary import (
    Operation,
    PairRefusal,
    PinPurpose,
    ProfileName,
    ProgressStep,
    UnpairReason,
)
from reader_bridge.protocol.word_list import PairingWord


@dataclass(frozen=True, slots=True)
class PairingPeer:
    """Who is at the other end.

    :ivar host: the server that was dialled.
    :ivar telegram_name: as the server says it; **not checked**, and any text.
    :ivar words: to be the same in the chat.
    """

    host: str
    telegram_name: str
    words: tuple[PairingWord, PairingWord]


@dataclass(frozen=True, slots=True)
class PairingProblem:
    """Why the code is asked for again.

    :ivar reason: what the server said; `None` where what was typed cannot be a code at all.
    """

    reason: PairRefusal | None
    tries_left: int | None = None
    wait_seconds: int | None = None


@dataclass(frozen=True, slots=True)
class CardLabel:
    """The card that is in the reader, as it says of itself.

    :ivar serial: of the chip, as hex.
    """

    profile: ProfileName
    card_number: str | None = None
    serial: str | None = None


@dataclass(frozen=True, slots=True)
class ConsentRequest:
    """Is this wanted? Asked before every operation with a PIN, and before the first of a session.

    :ivar purpose: of `set_pin`, and of a proof that finds out what became of one.
    :ivar reader: in which the card is; `None` before one was looked for.
    :ivar for_session: a yes holds for all reading in this session.
    """

    operation: Operation
    peer: PairingPeer
    purpose: PinPurpose | None = None
    reader: str | None = None
    card: CardLabel | None = None
    for_session: bool = False


class PinKind(StrEnum):
    """What is to be typed."""

    CURRENT = "current"
    NEW = "new"
    """Typed twice, inside the prompter."""
    PUK = "puk"


class PinFault(StrEnum):
    """Why it is asked for again."""

    FORMAT = "format"
    """It cannot be one of this card, see `rules`. The card has not seen it."""
    WRONG = "wrong"
    """The card refused it, and a try is spent."""


@dataclass(frozen=True, slots=True)
class PinRequest:
    """A PIN or PUK to be typed.

    :ivar tries_left: how many there are before this one; `None` where the card does not say.
    :ivar limit: how many there are after a right one; `None` where the card does not say.
    :ivar fault: what was wrong with the one before.
    :ivar last_try: this could be the last one. To be warned of, and wanted expressly.
    """

    kind: PinKind
    operation: Operation
    card: CardLabel
    rules: PinRules
    tries_left: int | None = None
    limit: int | None = None
    fault: PinFault | None = None
    last_try: bool = False


class ConnectionProblem(StrEnum):
    """Why there is no link."""

    UNREACHABLE = "unreachable"
    """The name is not known, or nobody answers there."""
    CERTIFICATE = "certificate"
    """The server's certificate is not trusted."""
    NOT_A_SERVER = "not_a_server"
    """Somebody answers who does not speak this protocol."""
    BUSY = "busy"
    """The server takes no more bridges now."""
    GOING_DOWN = "going_down"
    """It stops or starts anew."""
    LOST = "lost"
    """There was a link."""
    MISUNDERSTOOD = "misunderstood"
    """A message was none; the link was closed."""


@dataclass(frozen=True, slots=True)
class ServerConnecting:
    """The server is being dialled."""

    host: str


@dataclass(frozen=True, slots=True)
class ServerConnected:
    """There is a link.

    :ivar resumed: the pairing goes on.
    """

    host: str
    resumed: bool = False


@dataclass(frozen=True, slots=True)
class ServerDisconnected:
    """There is no link; it is tried again.

    :ivar retry_seconds: after how long.
    """

    problem: ConnectionProblem
    retry_delay: float


@dataclass(frozen=True, slots=True)
class PairingStarted:
    """Both ends said yes.

    :ivar seconds_left: until the pairing ends.
    """

    peer: PairingPeer
    seconds_left: int


@dataclass(frozen=True, slots=True)
class PairingEnded:
    """The pairing ended, or the offered one did not come about."""

    reason: UnpairReason


@dataclass(frozen=True, slots=True)
class OperationWaiting:
    """A running operation waits."""

    operation: Operation
    step: ProgressStep


@dataclass(frozen=True, slots=True)
class CardWorking:
    """The card is at work."""

    operation: Operation


@dataclass(frozen=True, slots=True)
class OperationDone:
    """An operation came to its end."""

    operation: Operation
    value: ResultValue
    purpose: PinPurpose | None = None


@dataclass(frozen=True, slots=True)
class OperationFailed:
    """An operation did not come to its end.

    :ivar operation: `None` where the server asked for one that does not exist.
    """

    operation: Operation | None
    code: FailureCode
    values: FailureValues


PrompterEvent = (
    ServerConnecting
    | ServerConnected
    | ServerDisconnected
    | PairingStarted
    | PairingEnded
    | OperationWaiting
    | CardWorking
    | OperationDone
    | OperationFailed
)


class Prompter(Protocol):
    """Asks and shows."""

    async def ask_pairing_code(self, problem: PairingProblem | None) -> str | None:
        """Ask for the code the chat shows; `None` where the person wants to leave."""

    async def confirm_pairing(self, peer: PairingPeer) -> bool:
        """Ask whether host, name and words are right.

        To be said with it: only if you started this in your own Telegram.
        """

    async def ask_consent(self, request: ConsentRequest) -> bool:
        """Ask whether this is wanted."""

    async def ask_pin(self, request: PinRequest) -> SecretBuffer | None:
        """Ask for a PIN or PUK; `None` where the person does not want to type it.

        The buffer passes to the caller, who overwrites it.
        """

    def show(self, event: PrompterEvent) -> None:
        """Show what happens. Returns at once and never raises."""


class ExitReason(StrEnum):
    """Why a bridge went by itself."""

    LEFT = "left"
    """The person gave no code."""
    REFUSED = "refused"
    """They refused several operations in a row."""
    UPDATE_NEEDED = "update_needed"
    """The server speaks no level of the protocol this bridge does."""
