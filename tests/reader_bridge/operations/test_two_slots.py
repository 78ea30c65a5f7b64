"""Two cards in two slots of a real pcscd."""

import asyncio
import os
import subprocess
import sys
from pathlib import Path

import pytest
from cryptography.hazmat.primitives.asymmetric import ec

from reader_bridge.card.pcsc import PcscReaders
from reader_bridge.prompter import OccupiedReaders, OperationWaiting
from reader_bridge.protocol.operation_messages import OperationResult
from reader_bridge.protocol.operation_payloads import ChangePin, PinChanged
from reader_bridge.virtual_card.card import VirtualCard
from tests.reader_bridge.card.card_issuer import SERIAL, CardTestAuthority, pkcs8
from tests.reader_bridge.card.fake_cards import PivCard, RecordingCard
from tests.reader_bridge.card.jcecard_reader import insert_jcecard
from tests.reader_bridge.card.pcsc_sandbox import READER, SECOND_READER, PcscSandbox
from tests.reader_bridge.conftest import InsertCard
from tests.reader_bridge.operation_samples import TYPED_SECRETS
from tests.reader_bridge.operations.operation_harness import OperationHarness
from tests.reader_bridge.virtual_card.vpcd import VpcdReader

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


_OPERATIONS = """
import asyncio, queue, sys
from reader_bridge.card.pcsc import PcscReaders
from reader_bridge.prompter import PinKind
from reader_bridge.protocol.operation_payloads import ChangePin, ProvePossession
from tests.reader_bridge.operation_samples import TYPED_SECRETS
from tests.reader_bridge.operations.operation_harness import OperationHarness

async def main():
    readers, snapshots = PcscReaders(), queue.Queue()
    watch = readers.watch(snapshots.put)
    while sum(each.card_present for each in snapshots.get(timeout=20).readers) < 2:
        pass
    watch.close()
    room = OperationHarness(readers, dict(TYPED_SECRETS))
    named = await room.run(ChangePin(card_serial=sys.argv[1]))
    print(named.value.card_serial)
    room = OperationHarness(readers, {PinKind.CURRENT: TYPED_SECRETS[PinKind.NEW]})
    room.person.chosen_reader = "讀卡機 測試 00 01"
    chosen = await room.run(ProvePossession(bytes(32)))
    print(chosen.value.card_serial)
    (choice,) = [each for each in room.person.asked if hasattr(each, "options")]
    print(*(f"{each.reader}: {each.card.profile}" for each in choice.options), sep="\\n")

asyncio.run(main())
"""


def test_a_card_is_found_beside_a_piv_card_of_others_in_readers_with_chinese_names(
    tmp_path: Path, card: VirtualCard, issuer: CardTestAuthority
) -> None:
    """In a process of its own, since pcsc-lite remembers the service that it found first."""
    (tmp_path / "service").mkdir()
    their_key = ec.generate_private_key(ec.SECP256R1())
    (tmp_path / "key.der").write_bytes(pkcs8(their_key))
    (tmp_path / "certificate.der").write_bytes(issuer.certify("authentication", their_key))
    with (
        PcscSandbox(tmp_path / "service", "讀卡機 測試".encode()) as sandbox,
        insert_jcecard(sandbox, tmp_path),
    ):
        vpcd = VpcdReader(lambda: sandbox.connect(1))
        vpcd.insert(card)
        try:
            done = subprocess.run(
                [sys.executable, "-c", _OPERATIONS, SERIAL.hex()],
                env={**os.environ, "PCSCLITE_CSOCK_NAME": str(sandbox.socket_path)},
                capture_output=True,
                text=True,
                check=False,
                timeout=60,
            )
        finally:
            vpcd.pull()
    assert done.returncode == 0, done.stderr
    named, chosen, *options = done.stdout.splitlines()
    assert (named, chosen) == (SERIAL.hex(), SERIAL.hex())
    assert options == ["讀卡機 測試 00 00: piv", "讀卡機 測試 00 01: gids"]
