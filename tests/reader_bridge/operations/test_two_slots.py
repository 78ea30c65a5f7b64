"""Two cards in two slots of a real pcscd."""

import asyncio

import pytest

from reader_bridge.card.pcsc import PcscReaders
from reader_bridge.prompter import OccupiedReaders, OperationWaiting
from reader_bridge.protocol.operation_messages import OperationResult
from reader_bridge.protocol.operation_payloads import ChangePin, PinChanged
from reader_bridge.virtual_card.card import VirtualCard
from tests.reader_bridge.card.card_issuer import SERIAL, CardTestAuthority
from tests.reader_bridge.card.fake_cards import PivCard, RecordingCard
from tests.reader_bridge.card.pcsc_sandbox import READER, SECOND_READER
from tests.reader_bridge.conftest import InsertCard
from tests.reader_bridge.operation_samples import TYPED_SECRETS
from tests.reader_bridge.operations.operation_harness import OperationHarness

RECOGNITION = {0xA4, 0xB0, 0xC0, 0xCB}
"""SELECT, READ BINARY, GET RESPONSE, GET DATA."""
CHANGED = PinChanged(SERIAL.hex())


@pytest.fixture
def key(issuer: CardTestAuthority) -> RecordingCard:
    """A PIV key that stays in the first slot."""
    return RecordingCard(PivCard(issuer.keys["authentication"], issuer.certify("authentication")))


@pytest.fixture
def room(pcsc_readers: PcscReaders) -> OperationHarness:
    return OperationHarness(pcsc_readers, dict(TYPED_SECRETS))  # type: ignore[arg-type]


async def test_the_named_card_is_found_beside_a_piv_key(
    insert: InsertCard, card: VirtualCard, key: RecordingCard, room: OperationHarness
) -> None:
    insert(key)
    insert(card, 1)
    outcome = await room.run(ChangePin(card_serial=SERIAL.hex()))
    assert isinstance(outcome, OperationResult)
    assert outcome.value == CHANGED
    assert set(key.instructions) <= RECOGNITION


async def test_the_named_card_is_waited_for_beside_a_piv_key(
    insert: InsertCard, card: VirtualCard, key: RecordingCard, room: OperationHarness
) -> None:
    insert(key)
    running = asyncio.ensure_future(room.run(ChangePin(card_serial=SERIAL.hex()), deadline=60))
    occupied = OccupiedReaders(other_card=(READER,))
    await room.person.wait_until(
        lambda: any(
            isinstance(each, OperationWaiting) and each.occupied == occupied
            for each in room.person.shown
        )
    )
    await asyncio.to_thread(insert, card, 1)
    outcome = await running
    assert isinstance(outcome, OperationResult)
    assert outcome.value == CHANGED
    assert set(key.instructions) <= RECOGNITION


async def test_the_person_chooses_a_slot(
    insert: InsertCard, card: VirtualCard, key: RecordingCard, room: OperationHarness
) -> None:
    insert(key)
    insert(card, 1)
    room.person.chosen_reader = SECOND_READER
    outcome = await room.run(ChangePin())
    assert isinstance(outcome, OperationResult)
    assert outcome.value == CHANGED
    assert set(key.instructions) <= RECOGNITION
