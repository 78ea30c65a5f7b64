"""An operation that is started and stopped at once, as by messages that waited for a slow link."""

import asyncio
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from dataclasses import dataclass

import pytest

from reader_bridge.prompter import ConsentRequest, OperationDone, OperationFailed
from reader_bridge.protocol.failures import FailureCode
from reader_bridge.protocol.messages import BridgeMessage, ServerMessage
from reader_bridge.protocol.operation_messages import (
    Bye,
    CancelOperation,
    OperationFailure,
    OperationResult,
    StartOperation,
)
from reader_bridge.protocol.operations import ChangePin, ListReaders, Parameters
from reader_bridge.protocol.pairing_messages import Pair, Unpaired
from reader_bridge.protocol.vocabulary import Operation, UnpairReason
from reader_bridge.virtual_card.card import VirtualCard
from reader_bridge.virtual_card.reader import VirtualReader
from tests.reader_bridge.card.cards import PIN_INSTRUCTIONS, RecordingCard
from tests.reader_bridge.client.conftest import PIN, Stage, scripted, staged
from tests.reader_bridge.client.test_operations import verifies
from tests.reader_bridge.counterpart import Line
from tests.reader_bridge.every_operation import ALL, EVERYTHING

PIN_WORK = ALL[2:]
CANCELLED = OperationFailure("op1", FailureCode.CANCELLED)


@dataclass
class Agreed:
    """A bridge whose person agrees to everything, and has allowed reading already.

    :ivar questions: how many were asked until then.
    """

    stage: Stage
    line: Line
    card: RecordingCard
    reader: VirtualReader
    questions: int

    @property
    def asked(self) -> list[object]:
        """What was asked since."""
        return list(self.stage.person.asked[self.questions :])

    async def until_over(self) -> None:
        """Wait until the person is told of an end, after that of the first operation."""
        shown, ends = self.stage.person.shown, OperationDone | OperationFailed
        await self.stage.person.until(
            lambda: len([event for event in shown if isinstance(event, ends)]) > 1
        )

    def check_nothing_was_done(self) -> None:
        """See that the card was left as it is."""
        assert not PIN_INSTRUCTIONS & set(self.card.instructions)
        assert verifies(self.reader, PIN)


@asynccontextmanager
async def agreed(card: VirtualCard) -> AsyncIterator[Agreed]:
    recorded = RecordingCard(card)
    reader = VirtualReader(recorded)
    async with asyncio.timeout(20), staged(reader) as stage:
        line = await stage.paired()
        await line.start(ListReaders(), "op0")
        assert isinstance(await line.outcome(), OperationResult)
        yield Agreed(stage, line, recorded, reader, len(stage.person.asked))


@pytest.mark.parametrize("parameters", EVERYTHING, ids=lambda each: type(each).__name__)
async def test_cancelled_at_once(card: VirtualCard, parameters: Parameters) -> None:
    async with agreed(card) as here:
        await here.line.start(parameters)
        await here.line.send(CancelOperation("op1"))
        assert await here.line.any() == CANCELLED
        assert here.asked == []
        here.check_nothing_was_done()
        await here.line.start(ListReaders(), "op2")
        assert isinstance(await here.line.outcome(), OperationResult), "it is ready for the next"


@pytest.mark.parametrize("parameters", PIN_WORK, ids=lambda each: type(each).__name__)
async def test_unpaired_at_once(card: VirtualCard, parameters: Parameters) -> None:
    async with agreed(card) as here:
        await here.line.start(parameters)
        await here.line.send(Unpaired(UnpairReason.BY_CHAT))
        assert isinstance(await here.line.any(), Pair), "nobody is told the outcome"
        await here.until_over()
        assert here.asked == [None], "for a code, and nothing else"
        here.check_nothing_was_done()


@pytest.mark.parametrize("parameters", PIN_WORK, ids=lambda each: type(each).__name__)
@pytest.mark.parametrize("first", ["close", "start"])
async def test_closed_at_once(
    card: VirtualCard, parameters: Parameters, first: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    async with agreed(card) as here:
        handle, close = here.stage.session.handle, here.stage.task.cancel

        async def handle_and_close(message: ServerMessage) -> None:
            if first == "close":
                close()
            await handle(message)
            if first == "start":
                close()

        monkeypatch.setattr(here.stage.session, "handle", handle_and_close)
        await here.line.start(parameters)
        assert await here.line.any() == CANCELLED
        assert isinstance(await here.line.any(), Bye)
        await asyncio.wait((here.stage.task,))
        assert here.asked == []
        here.check_nothing_was_done()


async def test_a_bridge_that_is_being_closed_begins_nothing(
    reader: VirtualReader, monkeypatch: pytest.MonkeyPatch
) -> None:
    """The next operation comes while it still tells how the last one ended."""

    def close(question: object) -> bool:
        if isinstance(question, ConsentRequest):
            stage.task.cancel()
        return not isinstance(question, ConsentRequest)

    async def with_the_next(message: BridgeMessage) -> None:
        await send(message)
        if message == OperationFailure("op1", FailureCode.CONSENT_REFUSED):
            await stage.session.handle(StartOperation("op2", Operation.CHANGE_PIN, ChangePin(), 30))

    person = scripted(agree=close)
    async with asyncio.timeout(20), staged(reader, person) as stage:
        send = stage.session.channel.send
        monkeypatch.setattr(stage.session.channel, "send", with_the_next)
        line = await stage.paired()
        await line.start(ChangePin())
        assert (await line.failure()).operation_id == "op1"
        assert isinstance(await line.any(), Bye)
        await asyncio.wait((stage.task,))
    assert len([question for question in person.asked if isinstance(question, ConsentRequest)]) == 1
