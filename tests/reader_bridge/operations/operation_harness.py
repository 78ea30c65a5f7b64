"""Runs operations without a connection: with a server in this process, and any readers."""

import weakref
from collections.abc import Awaitable, Callable
from dataclasses import dataclass, field

from reader_bridge.card.connection import (
    CardConnection,
    ReaderService,
    ReaderSnapshot,
    ReaderState,
)
from reader_bridge.card.errors import ReaderNotFoundError
from reader_bridge.card.profiles.base import MutualChallenge as CardsChallenge
from reader_bridge.operations.card_thread import CardCalls, CardThread
from reader_bridge.operations.context import OperationContext, SessionContext
from reader_bridge.operations.running_operation import (
    OperationChannel,
    OperationEnd,
    RunningOperation,
)
from reader_bridge.prompter import PairingPeer, PinKind
from reader_bridge.protocol import PAIRING_WORDS, SessionState
from reader_bridge.protocol.operation_messages import (
    AdminAnswer,
    AdminChallenge,
    AdminCryptogram,
    AdminVerified,
    StartOperation,
)
from reader_bridge.protocol.operation_payloads import Parameters, operation_of
from reader_bridge.virtual_card.reader import VirtualReader, VirtualWatch
from tests.reader_bridge.card.card_issuer import card_is_genuine, cryptogram
from tests.reader_bridge.scripted_prompter import Answer, ScriptedPrompter

ORIGIN = "wss://kaika.example"
PEER = PairingPeer("kaika.example", "Mai", (PAIRING_WORDS[0], PAIRING_WORDS[1]))


class ReaderGroup:
    """Several virtual readers as the readers of one machine."""

    def __init__(self, *readers: VirtualReader) -> None:
        self.readers = {reader.name: reader for reader in readers}

    def list_readers(self) -> tuple[ReaderState, ...]:
        return tuple(state for each in self.readers.values() for state in each.list_readers())

    def connect(self, reader: str, *, exclusive: bool = False) -> CardConnection:
        if reader not in self.readers:
            raise ReaderNotFoundError(reader)
        return self.readers[reader].connect(reader, exclusive=exclusive)

    def watch(self, on_change: Callable[[ReaderSnapshot], None]) -> "WatchGroup":
        return WatchGroup(self, on_change)


class WatchGroup:
    """The watches of all readers of a group."""

    def __init__(self, readers: ReaderGroup, on_change: Callable[[ReaderSnapshot], None]) -> None:
        self._readers = readers
        self._watches: list[VirtualWatch] = [
            each.watch(on_change) for each in readers.readers.values()
        ]

    @property
    def snapshot(self) -> ReaderSnapshot:
        return ReaderSnapshot(ReaderService.RUNNING, self._readers.list_readers())

    def close(self) -> None:
        for watch in self._watches:
            watch.close()


@dataclass
class OperationHarness:
    """A person, readers, and a server with the issuer's key.

    :ivar sent: everything that was sent to the server.
    """

    readers: object
    secrets: dict[PinKind, list[Answer]] = field(default_factory=dict)
    session: SessionContext = field(default_factory=SessionContext)
    sent: list[object] = field(default_factory=list)
    states: list[SessionState] = field(default_factory=list)

    def __post_init__(self) -> None:
        self.person = ScriptedPrompter((), self.secrets)
        self.thread = CardThread()
        weakref.finalize(self, self.thread.close)
        self.running: RunningOperation | None = None
        self._challenge: CardsChallenge | None = None

    async def run(self, parameters: Parameters, deadline: int = 10) -> OperationEnd:
        """Run an operation."""
        return await self.prepare(parameters, deadline)

    def prepare(self, parameters: Parameters, deadline: int = 10) -> Awaitable[OperationEnd]:
        """Return an operation that runs when it is awaited."""
        start = StartOperation("op1", operation_of(parameters), parameters, deadline)
        self.running = RunningOperation(start, OperationChannel(self._send, self.states.append), 5)
        calls = CardCalls(self.thread)
        errand = OperationContext(
            parameters,
            self.readers,  # type: ignore[arg-type]
            calls,
            self.person,
            PEER,
            ORIGIN,
            self.running,
            self.session,
        )
        return self.running.run(errand)

    async def _send(self, message: object) -> None:
        self.sent.append(message)
        assert self.running is not None
        if isinstance(message, AdminChallenge):
            self._challenge = CardsChallenge(message.host_challenge, message.card_challenge)
            self.running.deliver(AdminCryptogram("op1", cryptogram(self._challenge)))
        elif isinstance(message, AdminAnswer):
            assert self._challenge is not None
            genuine = card_is_genuine(self._challenge, message.answer)
            self.running.deliver(AdminVerified("op1", genuine))
