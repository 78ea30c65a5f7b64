"""An operation that is started and stopped at once, as by messages that waited for a slow link."""

import asyncio
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from dataclasses import dataclass

import pytest

from reader_bridge.prompter import ConsentRequest, OperationDone, OperationNotDone
from reader_bridge.protocol.enums import Operation, UnpairReason
from reader_bridge.protocol.failure_codes import FailureCode
from reader_bridge.protocol.messages import BridgeMessage, ServerMessage
from reader_bridge.protocol.operation_messages import (
    Bye,
    CancelOperation,
    OperationFailure,
    OperationResult,
    StartOperation,
)
from reader_bridge.protocol.operation_payloads import ChangePin, ListReaders, Parameters, SetPin
from reader_bridge.protocol.pairing_messages import Pair
from reader_bridge.virtual_card.card import VirtualCard
from reader_bridge.virtual_card.reader import VirtualReader
from tests.reader_bridge.card.fake_cards import PIN_INSTRUCTIONS, RecordingCard
from tests.reader_bridge.client.conftest import PIN, RunningClient, run_client, scripted_person
from tests.reader_bridge.client.test_operations import verifies
from tests.reader_bridge.operation_samples import ALL_OPERATIONS, CARD_OPERATIONS
from tests.reader_bridge.scripted_server import BridgeLink

PIN_OPERATIONS = CARD_OPERATIONS[2:]
CANCELLED = OperationFailure("op1", FailureCode.CANCELLED)


@dataclass
class ConsentedClient:
    """A person who agrees to everything, and has allowed reading already.

    :ivar questions: the number of questions asked until then.
    """

    client: RunningClient
    link: BridgeLink
    card: RecordingCard
    reader: VirtualReader
    questions: int

    @property
    def asked(self) -> list[object]:
        """What was asked since."""
        return list(self.client.person.asked[self.questions :])

    async def wait_for_end(self) -> None:
        """Wait until the person is told of an end, after that of the first operation."""
        shown, ends = self.client.person.shown, OperationDone | OperationNotDone
        await self.client.person.wait_until(
            lambda: len([event for event in shown if isinstance(event, ends)]) > 1
        )

    def check_nothing_was_done(self) -> None:
        """Check that the card was left as it was."""
        assert not PIN_INSTRUCTIONS & set(self.card.instructions)
        assert verifies(self.reader, PIN)


@asynccontextmanager
async def run_consented_client(card: VirtualCard) -> AsyncIterator[ConsentedClient]:
    recorded = RecordingCard(card)
    reader = VirtualReader(recorded)
    async with asyncio.timeout(20), run_client(reader) as client:
        link = await client.pair()
        await link.start(ListReaders(), "op0")
        assert isinstance(await link.receive_end(), OperationResult)
        yield ConsentedClient(client, link, recorded, reader, len(client.person.asked))


@pytest.mark.parametrize("parameters", ALL_OPERATIONS, ids=lambda each: type(each).__name__)
async def test_cancelled_at_once(card: VirtualCard, parameters: Parameters) -> None:
    async with run_consented_client(card) as here:
        await here.link.start(parameters)
        await here.link.send(CancelOperation("op1"))
        assert await here.link.receive_any() == CANCELLED
        assert here.asked == []
        here.check_nothing_was_done()
        await here.link.start(ListReaders(), "op2")
        assert isinstance(await here.link.receive_end(), OperationResult), (
            "it is ready for the next"
        )


@pytest.mark.parametrize("parameters", PIN_OPERATIONS, ids=lambda each: type(each).__name__)
async def test_unpaired_at_once(card: VirtualCard, parameters: Parameters) -> None:
    async with run_consented_client(card) as here:
        await here.link.start(parameters)
        await here.link.unpair(UnpairReason.BY_CHAT)
        heard = [await here.link.receive_any()]
        if isinstance(parameters, ChangePin | SetPin):
            heard.append(await here.link.receive_any())
            heard.remove(CANCELLED)
        assert isinstance(heard.pop(), Pair)
        await here.wait_for_end()
        assert here.asked == [None], "for a code, and nothing else"
        here.check_nothing_was_done()


@pytest.mark.parametrize("parameters", PIN_OPERATIONS, ids=lambda each: type(each).__name__)
@pytest.mark.parametrize("first", ["close", "start"])
async def test_closed_at_once(
    card: VirtualCard, parameters: Parameters, first: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    async with run_consented_client(card) as here:
        handle, close = here.client.session.handle, here.client.task.cancel

        async def handle_and_close(message: ServerMessage) -> None:
            if first == "close":
                close()
            await handle(message)
            if first == "start":
                close()

        monkeypatch.setattr(here.client.session, "handle", handle_and_close)
        await here.link.start(parameters)
        assert await here.link.receive_any() == CANCELLED
        assert isinstance(await here.link.receive_any(), Bye)
        await asyncio.wait((here.client.task,))
        assert here.asked == []
        here.check_nothing_was_done()


async def test_a_bridge_that_is_being_closed_begins_nothing(
    reader: VirtualReader, monkeypatch: pytest.MonkeyPatch
) -> None:
    """The next operation comes while it still tells how the last one ended."""

    def close(question: object) -> bool:
        if isinstance(question, ConsentRequest):
            client.task.cancel()
        return not isinstance(question, ConsentRequest)

    async def with_the_next(message: BridgeMessage) -> None:
        await send(message)
        if message == OperationFailure("op1", FailureCode.CONSENT_REFUSED):
            await client.session.handle(
                StartOperation("op2", Operation.CHANGE_PIN, ChangePin(), 30)
            )

    person = scripted_person(agree=close)
    async with asyncio.timeout(20), run_client(reader, person) as client:
        send = client.session.channel.send
        monkeypatch.setattr(client.session.channel, "send", with_the_next)
        link = await client.pair()
        await link.start(ChangePin())
        assert (await link.receive_failure()).operation_id == "op1"
        assert isinstance(await link.receive_any(), Bye)
        await asyncio.wait((client.task,))
    assert len([question for question in person.asked if isinstance(question, ConsentRequest)]) == 1
