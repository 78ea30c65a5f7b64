"""What the person at the PC is asked and shown, as types with values. The app has the texts.

A :class:`Prompter` only answers questions; it has no say in what is sent to the card. A question is
withdrawn by cancelling the task that asks it.
"""

from dataclasses import dataclass, field
from enum import StrEnum
from typing import Protocol

from reader_bridge.card.profiles.base import PinRules
from reader_bridge.card.secret_buffer import SecretBuffer
from reader_bridge.protocol.enums import (
    Operation,
    PairRefusal,
    PinPurpose,
    ProfileName,
    ProgressStep,
    UnpairReason,
)
from reader_bridge.protocol.failure_codes import FailureCode, FailureValues
from reader_bridge.protocol.operation_payloads import ResultValue
from reader_bridge.protocol.word_list import PairingWord


@dataclass(frozen=True, slots=True)
class PairingPeer:
    """The other end of a pairing.

    :ivar host: the server that was dialled.
    :ivar telegram_name: as the server reports it; any text, checked by nobody.
    :ivar words: the words that the chat has to show as well.
    """

    host: str
    telegram_name: str
    words: tuple[PairingWord, PairingWord]


@dataclass(frozen=True, slots=True)
class WordChoice:
    """The question which pair of words the chat shows. Asked where a link brought the code.

    :ivar peer: whose words are among the pairs.
    :ivar pairs: six, all different, in random order.
    """

    peer: PairingPeer
    pairs: tuple[tuple[PairingWord, PairingWord], ...]


@dataclass(frozen=True, slots=True)
class PairingProblem:
    """Why the code is asked for again.

    :ivar reason: the server's reason; `None` where what was typed cannot be a code.
    """

    reason: PairRefusal | None
    tries_left: int | None = None
    wait_seconds: int | None = None


@dataclass(frozen=True, slots=True)
class CardLabel:
    """The card in the reader, as it describes itself.

    :ivar serial: of the chip, as hex.
    """

    profile: ProfileName
    card_number: str | None = None
    serial: str | None = None


@dataclass(frozen=True, slots=True)
class ConsentRequest:
    """The question whether an operation is wanted.

    Asked before every operation with a PIN, and before the first operation of a session.

    :ivar purpose: of `set_pin`, and of a proof that finds out how one ended.
    :ivar reader: the card's reader; `None` before one was looked for.
    :ivar for_session: consent holds for all reading in this session.
    """

    operation: Operation
    peer: PairingPeer
    purpose: PinPurpose | None = None
    reader: str | None = None
    card: CardLabel | None = None
    for_session: bool = False


@dataclass(frozen=True, slots=True)
class CardOption:
    """A card that could be meant, and the reader it is in."""

    reader: str
    card: CardLabel


@dataclass(frozen=True, slots=True)
class CardChoice:
    """The question which of several cards an operation is about.

    :ivar options: at least two.
    """

    operation: Operation
    peer: PairingPeer
    options: tuple[CardOption, ...]


class PinKind(StrEnum):
    """What is to be typed."""

    CURRENT = "current"
    NEW = "new"
    """Typed twice, inside the prompter."""
    PUK = "puk"


class PinFault(StrEnum):
    """Why it is asked for again."""

    FORMAT = "format"
    """It breaks the card's rules. It was not sent to the card."""
    WRONG = "wrong"
    """The card refused it, and a try is spent."""


@dataclass(frozen=True, slots=True)
class PinRequest:
    """The request to type a PIN or PUK.

    :ivar tries_left: before this entry; `None` where the card does not say.
    :ivar limit: tries after a correct entry; `None` where the card does not say.
    :ivar fault: what was wrong with the entry before.
    :ivar last_try: this could be the last try; the prompter warns and asks for a confirmation.
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
    """Why there is no connection."""

    UNREACHABLE = "unreachable"
    """Nothing answers there."""
    NAME_UNKNOWN = "name_unknown"
    """No address belongs to the server's name."""
    SILENT = "silent"
    """It accepts the connection, and says nothing in time."""
    CERTIFICATE = "certificate"
    """The server's certificate is not trusted."""
    NOT_A_SERVER = "not_a_server"
    """What answers does not speak this protocol."""
    WEB_PAGE = "web_page"
    """A page for people came: the network wants a sign-in first, or forbids the server."""
    RESTING = "resting"
    """What stands before the server says that it does not run now."""
    PROXY_INVALID = "proxy_invalid"
    """What the settings of this PC name as proxy cannot be one."""
    PROXY_UNREACHABLE = "proxy_unreachable"
    """The proxy does not answer."""
    PROXY_CANNOT_REACH = "proxy_cannot_reach"
    """The proxy does not reach the server."""
    PROXY_REFUSED = "proxy_refused"
    """The proxy does not allow the server."""
    PROXY_LOGIN = "proxy_login"
    """The proxy wants a name and password, or other ones."""
    PROXY_LOGIN_UNKNOWN = "proxy_login_unknown"
    """The proxy wants a login of a kind that this app does not have."""
    BUSY = "busy"
    """The server takes no more bridges now."""
    GOING_DOWN = "going_down"
    """The server stops or restarts."""
    LOST = "lost"
    """The connection was open before."""
    MISUNDERSTOOD = "misunderstood"
    """A message was invalid, and the connection was closed."""


@dataclass(frozen=True, slots=True)
class ProxyLoginRequest:
    """The request for name and password at a proxy.

    :ivar proxy: host and port.
    :ivar is_refused: it has refused those that it was sent.
    """

    proxy: str
    is_refused: bool = False


@dataclass(frozen=True, slots=True)
class ProxyLogin:
    """A name and password for a proxy."""

    user: str
    password: str = field(repr=False)


@dataclass(frozen=True, slots=True)
class ServerConnecting:
    """The server is being dialled."""

    host: str


@dataclass(frozen=True, slots=True)
class ServerConnected:
    """The server was reached.

    :ivar resumed: the pairing continues.
    :ivar has_other_origin: the server takes another address for its own than was dialled; then the
        words of a pairing never are the same.
    """

    host: str
    resumed: bool = False
    has_other_origin: bool = False


@dataclass(frozen=True, slots=True)
class UpdateAvailable:
    """There is a newer release of this app. Shown once."""

    version: str


@dataclass(frozen=True, slots=True)
class ServerDisconnected:
    """There is no connection; another attempt follows.

    :ivar retry_delay: seconds until then.
    :ivar proxy: host and port of the proxy that was dialled.
    """

    problem: ConnectionProblem
    retry_delay: float
    proxy: str | None = None


@dataclass(frozen=True, slots=True)
class PairingStarted:
    """Both ends confirmed the pairing.

    :ivar seconds_left: until the pairing ends.
    """

    peer: PairingPeer
    seconds_left: int


@dataclass(frozen=True, slots=True)
class PairingClosed:
    """The pairing ended, or the offered one was not confirmed."""

    reason: UnpairReason


@dataclass(frozen=True, slots=True)
class WrongWordsChosen:
    """The person chose words that are not those of the pairing, so nothing was connected."""


class LinkProblem(StrEnum):
    """Why a pairing link that was opened is not used."""

    NO_CODE = "no_code"
    """It is something else than a link with a pairing code."""
    NOT_ASKED = "not_asked"
    """No code is asked for at this moment, but perhaps something else."""
    PAIRED = "paired"
    """This PC is connected to a chat already."""


@dataclass(frozen=True, slots=True)
class PairingLinkUnused:
    """A pairing link was opened on this PC, by whomever, and is not used."""

    problem: LinkProblem


@dataclass(frozen=True, slots=True)
class OccupiedReaders:
    """Readers, by name, that hold other cards than the one that is waited for.

    :ivar other_card: with a card that is not the one.
    :ivar in_use: with a card that another program holds, so that it could be the one.
    """

    other_card: tuple[str, ...] = ()
    in_use: tuple[str, ...] = ()


NO_OCCUPIED_READERS = OccupiedReaders()


@dataclass(frozen=True, slots=True)
class OperationWaiting:
    """A running operation waits."""

    operation: Operation
    step: ProgressStep
    occupied: OccupiedReaders = NO_OCCUPIED_READERS


@dataclass(frozen=True, slots=True)
class CardWorking:
    """The card executes a command with a PIN."""

    operation: Operation


@dataclass(frozen=True, slots=True)
class OperationDone:
    """An operation succeeded."""

    operation: Operation
    value: ResultValue
    purpose: PinPurpose | None = None


@dataclass(frozen=True, slots=True)
class OperationNotDone:
    """An operation failed.

    :ivar operation: `None` where the server asked for an unknown one.
    """

    operation: Operation | None
    code: FailureCode
    values: FailureValues


PrompterEvent = (
    ServerConnecting
    | ServerConnected
    | UpdateAvailable
    | ServerDisconnected
    | PairingStarted
    | PairingClosed
    | WrongWordsChosen
    | PairingLinkUnused
    | OperationWaiting
    | CardWorking
    | OperationDone
    | OperationNotDone
)


class Prompter(Protocol):
    """Asks the person, and shows them what happens."""

    async def ask_proxy_login(self, request: ProxyLoginRequest) -> ProxyLogin | None:
        """Ask for name and password at a proxy; `None` where the person wants to leave."""

    async def ask_pairing_code(self, problem: PairingProblem | None) -> str | None:
        """Ask for the code that the chat shows; `None` where the person wants to leave."""

    async def confirm_pairing(self, peer: PairingPeer) -> bool:
        """Ask whether host, name and words are right.

        The question has to say: only if you started this in your own Telegram.
        """

    async def choose_words(self, choice: WordChoice) -> int | None:
        """Ask which of the pairs the chat shows, by its index; `None` for none of them.

        The question has to say: only if you started this in your own Telegram.
        """

    async def ask_consent(self, request: ConsentRequest) -> bool:
        """Ask whether the operation is wanted."""
        ...

    async def choose_card(self, choice: CardChoice) -> int | None:
        """Ask which card is meant, by its index; `None` for none of them."""

    async def ask_pin(self, request: PinRequest) -> SecretBuffer | None:
        """Ask for a PIN or PUK; `None` where the person does not want to type it.

        The caller owns the buffer and overwrites it.
        """

    def show(self, event: PrompterEvent) -> None:
        """Show an event. Returns immediately and never raises."""


class ExitReason(StrEnum):
    """Why a client exited by itself."""

    LEFT = "left"
    """The person gave no pairing code."""
    REFUSED = "refused"
    """The person refused several operations in a row."""
    COMMITMENT_BROKEN = "commitment_broken"
    """The server tried to choose the words of a pairing."""
    UPDATE_NEEDED = "update_needed"
    """The server speaks only levels of the protocol after this client's."""
    SERVER_TOO_OLD = "server_too_old"
    """The server speaks only levels of the protocol before this client's."""
