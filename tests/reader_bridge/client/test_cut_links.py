"""The link cut at every message of every operation: it always ends in a state that is explained."""

import asyncio
from dataclasses import dataclass, field

import pytest

from reader_bridge.card.profiles.base import MutualChallenge as CardsChallenge
from reader_bridge.client.session import SessionTimeouts
from reader_bridge.prompter import OperationDone, OperationNotDone, PairingClosed
from reader_bridge.protocol import UnpairReason
from reader_bridge.protocol.failure_codes import FailureCode
from reader_bridge.protocol.messages import ServerMessage
from reader_bridge.protocol.operation_messages import (
    AdminAnswer,
    AdminChallenge,
    AdminCryptogram,
    AdminVerified,
    OperationFailure,
    OperationResult,
    StartOperation,
)
from reader_bridge.protocol.operation_payloads import (
    ChangePin,
    ListReaders,
    Parameters,
    SetPin,
    operation_of,
)
from reader_bridge.virtual_card.card import VirtualCard
from reader_bridge.virtual_card.reader import VirtualReader
from tests.reader_bridge.card.card_issuer import card_is_genuine, cryptogram
from tests.reader_bridge.client.conftest import NEW_PIN, PIN, run_client
from tests.reader_bridge.client.test_operations import verifies
from tests.reader_bridge.operation_samples import CARD_OPERATIONS
from tests.reader_bridge.scripted_server import BridgeLink, CutError

OPERATIONS: list[Parameters] = [ListReaders(), *CARD_OPERATIONS]
MOST_MESSAGES = 8


@dataclass
class OperationDriver:
    """The server's half of an operation, which loses its link at one message.

    :ivar cut_at: at which, counting those of both sides.
    :ivar lost: the message is lost with the link; otherwise it arrives, and nothing after it.
    """

    parameters: Parameters
    cut_at: int
    lost: bool
    count: int = 0
    challenge: CardsChallenge | None = None
    outcome: OperationResult | OperationFailure | None = None
    unsent: list[ServerMessage] = field(default_factory=list)

    async def drive(self, line: BridgeLink) -> None:
        """Go on until there is an outcome.

        :raises CutError: where the link is cut.
        """
        while self.unsent:
            await self._send(line, self.unsent[0])
        while self.outcome is None:
            if self._is_cut() and self.lost:
                await self._cut(line)
            message = await line.receive_any()
            self._note(message)
            if self._is_cut():
                await self._cut(line)
            self.count += 1
            while self.unsent:
                await self._send(line, self.unsent[0])

    def _note(self, message: object) -> None:
        match message:
            case AdminChallenge():
                self.challenge = CardsChallenge(message.host_challenge, message.card_challenge)
                self.unsent.append(AdminCryptogram("op1", cryptogram(self.challenge)))
            case AdminAnswer():
                assert self.challenge is not None
                genuine = card_is_genuine(self.challenge, message.answer)
                self.unsent.append(AdminVerified("op1", genuine))
            case OperationResult() | OperationFailure():
                self.outcome = message

    async def _send(self, line: BridgeLink, message: ServerMessage) -> None:
        self.unsent.remove(message)
        cut = self._is_cut()
        self.count += 1
        if cut and self.lost:
            line.memory.outgoing.number(message)
            await self._cut(line)
        await line.send(message)
        if cut:
            await self._cut(line)

    def _is_cut(self) -> bool:
        return self.count == self.cut_at

    async def _cut(self, line: BridgeLink) -> None:
        self.cut_at = -1
        await line.cut()
        raise CutError

    def begin(self) -> None:
        name = operation_of(self.parameters)
        self.unsent.append(StartOperation("op1", name, self.parameters, 30))


EVERY_CUT = [
    pytest.param(parameters, at, lost, id=f"{operation_of(parameters)}-{at}-{how}")
    for parameters in OPERATIONS
    for at in range(MOST_MESSAGES)
    for lost, how in ((True, "lost"), (False, "arrived"))
    if at < 4 or isinstance(parameters, SetPin)
]


async def cut_once(driver: OperationDriver, line: BridgeLink) -> bool:
    """Drive until the cut; whether there was one."""
    driver.begin()
    try:
        await driver.drive(line)
    except CutError:
        return True
    return False


@pytest.mark.parametrize(("parameters", "at", "lost"), EVERY_CUT)
async def test_a_link_that_comes_back_goes_on_where_it_broke_off(
    card: VirtualCard, reader: VirtualReader, parameters: Parameters, at: int, lost: bool
) -> None:
    async with asyncio.timeout(20), run_client(reader) as harness:
        line = await harness.pair()
        driver = OperationDriver(parameters, at, lost)
        if await cut_once(driver, line):
            memory = line.memory
            line = await harness.server.accept()
            await line.resume(memory)
            await driver.drive(line)
        assert isinstance(driver.outcome, OperationResult)
        changes = isinstance(parameters, ChangePin | SetPin)
        assert verifies(reader, NEW_PIN if changes else PIN)
        done = [event for event in harness.person.shown if isinstance(event, OperationDone)]
        assert len(done) == 1, "done once"


@pytest.mark.parametrize(("parameters", "at", "lost"), EVERY_CUT)
async def test_a_server_that_was_restarted_hears_how_it_ended(
    card: VirtualCard, reader: VirtualReader, parameters: Parameters, at: int, lost: bool
) -> None:
    async with asyncio.timeout(20), run_client(reader) as harness:
        line = await harness.pair()
        driver = OperationDriver(parameters, at, lost)
        if not await cut_once(driver, line):
            return
        memory, line = line.memory, await harness.server.accept()
        await line.resume(memory, restarted=True)
        if lost and at == 0:
            await line.start(parameters, "op2")
            assert isinstance(await line.receive_any(), object), "the bridge is ready for the next"
            return
        outcome = await line.receive_end()
        if isinstance(outcome, OperationFailure):
            is_set = outcome.code is FailureCode.PIN_SET_UNPROVED
            assert is_set or outcome.code is FailureCode.LINK_LOST
            assert verifies(reader, NEW_PIN if is_set else PIN)
        await line.start(ListReaders(), "op2")
        assert (await line.receive_end()).operation_id == "op2"


@pytest.mark.parametrize(("parameters", "at", "lost"), EVERY_CUT)
async def test_a_server_that_forgot_the_session_is_told_to_the_person(
    card: VirtualCard, reader: VirtualReader, parameters: Parameters, at: int, lost: bool
) -> None:
    async with asyncio.timeout(20), run_client(reader) as harness:
        line = await harness.pair()
        if not await cut_once(OperationDriver(parameters, at, lost), line):
            return
        line = await harness.server.accept()
        await line.pair()
        shown = harness.person.shown
        assert PairingClosed(UnpairReason.SERVER_FORGOT) in shown
        if not (lost and at == 0):
            await harness.person.wait_until(
                lambda: any(isinstance(e, OperationDone | OperationNotDone) for e in shown)
            )
        assert any(verifies(reader, pin) for pin in (PIN, NEW_PIN))
        await line.start(ListReaders(), "op2")
        assert (await line.receive_end()).operation_id == "op2"


@pytest.mark.parametrize("at", range(1, 6))
async def test_an_operation_without_a_link_is_over_after_a_while(
    card: VirtualCard, reader: VirtualReader, at: int
) -> None:
    patience = SessionTimeouts(disconnected=0.02)
    async with asyncio.timeout(20), run_client(reader, timeouts=patience) as harness:
        line = await harness.pair()
        await cut_once(OperationDriver(OPERATIONS[-1], at, False), line)
        shown = harness.person.shown
        await harness.person.wait_until(
            lambda: any(isinstance(e, OperationDone | OperationNotDone) for e in shown)
        )
        memory, line = line.memory, await harness.server.accept()
        await line.resume(memory)
        outcome = await line.receive_end()
        if isinstance(outcome, OperationFailure):
            assert outcome.code is FailureCode.LINK_LOST
            assert verifies(reader, PIN)


async def test_a_server_that_says_nothing_more_leaves_the_card_as_it_was(
    card: VirtualCard, reader: VirtualReader
) -> None:
    async with (
        asyncio.timeout(20),
        run_client(reader, timeouts=SessionTimeouts(challenge=0.02)) as harness,
    ):
        line = await harness.pair()
        await line.start(OPERATIONS[-1])
        outcome = await line.receive_end()
        assert isinstance(outcome, OperationFailure)
        assert outcome.code is FailureCode.SERVER_SILENT
        assert verifies(reader, PIN)
        assert card.file.state.admin_tries == 8
        assert all(set(buffer) == {0} for buffer in harness.person.handed_out)
