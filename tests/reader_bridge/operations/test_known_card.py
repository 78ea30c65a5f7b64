"""A card that was looked at is not read again; its tries are, and whether it is still that one."""

from typing import Any

import pytest

from reader_bridge.prompter import PinKind, PinRequest
from reader_bridge.protocol.failure_codes import FailureCode
from reader_bridge.protocol.operation_messages import OperationFailure, OperationResult
from reader_bridge.protocol.operation_payloads import (
    CardReport,
    ProvePossession,
    ReadCardStatus,
    Receipt,
)
from reader_bridge.virtual_card.card import VirtualCard
from reader_bridge.virtual_card.reader import VirtualReader
from tests.reader_bridge.card.card_issuer import SERIAL
from tests.reader_bridge.client.test_operations import verifies
from tests.reader_bridge.operations.operation_harness import OperationHarness

PROOF = ProvePossession(bytes(32))
OTHER = bytes(reversed(SERIAL))


class CountingCard:
    """A card that counts commands, and can have another serial."""

    def __init__(self, card: VirtualCard) -> None:
        self._card = card
        self.serial = SERIAL
        self.commands = 0

    def __getattr__(self, name: str) -> Any:
        return getattr(self._card, name)

    def transmit(self, apdu: bytes | bytearray) -> bytes:
        self.commands += 1
        return self._card.transmit(apdu).replace(SERIAL, self.serial)


@pytest.fixture
def counted(card: VirtualCard) -> CountingCard:
    return CountingCard(card)


@pytest.fixture
def room(counted: CountingCard) -> OperationHarness:
    return OperationHarness(VirtualReader(counted), {PinKind.CURRENT: [b"first123"]})


async def commands_for_proof(room: OperationHarness, counted: CountingCard) -> int:
    before = counted.commands
    outcome = await room.run(PROOF)
    assert isinstance(outcome, OperationResult)
    assert isinstance(outcome.value, Receipt)
    assert outcome.value.card_serial == counted.serial.hex()
    return counted.commands - before


async def test_what_was_read_is_not_read_again(
    room: OperationHarness, counted: CountingCard
) -> None:
    first = await commands_for_proof(room, counted)
    assert await commands_for_proof(room, counted) < first


async def test_tries_are_always_read(room: OperationHarness, card: VirtualCard) -> None:
    assert isinstance(await room.run(PROOF), OperationResult)
    assert not verifies(VirtualReader(card), b"wrong123"), "another program"
    assert isinstance(await room.run(PROOF), OperationResult)
    asked = [each.tries_left for each in room.person.asked if isinstance(each, PinRequest)]
    assert asked == [3, 2]


async def test_a_card_that_was_put_in_since_is_read_anew(
    room: OperationHarness, counted: CountingCard
) -> None:
    first = await commands_for_proof(room, counted)
    assert isinstance(room.readers, VirtualReader)
    room.readers.insert(counted)
    assert await commands_for_proof(room, counted) == first


async def test_another_card_that_the_reader_does_not_tell_of_is_read_anew(
    room: OperationHarness, counted: CountingCard
) -> None:
    first = await commands_for_proof(room, counted)
    counted.serial = OTHER
    assert await commands_for_proof(room, counted) == first
    outcome = await room.run(ProvePossession(bytes(32), card_serial=SERIAL.hex()))
    assert isinstance(outcome, OperationFailure)
    assert outcome.code is FailureCode.WRONG_CARD


async def test_who_asks_how_the_card_is_hears_how_it_is_now(
    room: OperationHarness, counted: CountingCard
) -> None:
    commands = []
    for _ in range(2):
        before = counted.commands
        outcome = await room.run(ReadCardStatus())
        assert isinstance(outcome, OperationResult)
        assert isinstance(outcome.value, CardReport)
        commands.append(counted.commands - before)
    assert commands[0] == commands[1]
