"""The operations over a real reader service: its counters and resets are not those of a test."""

from collections.abc import Iterator

import pytest

from reader_bridge.card.pcsc import PcscReaders
from reader_bridge.prompter import PinKind
from reader_bridge.protocol import PinPurpose
from reader_bridge.protocol.operation_messages import OperationResult
from reader_bridge.protocol.operation_payloads import (
    ChangePin,
    ListReaders,
    Parameters,
    ProvePossession,
    ReadCardStatus,
    ReadCertificate,
    SetPin,
)
from reader_bridge.virtual_card.card import VirtualCard
from tests.reader_bridge.card.card_issuer import SERIAL
from tests.reader_bridge.card.pcsc_sandbox import READER, PcscSandbox
from tests.reader_bridge.card.snapshot_recorder import SnapshotRecorder, has_card
from tests.reader_bridge.operations.operation_harness import OperationHarness
from tests.reader_bridge.virtual_card.vpcd import VpcdReader

PIN, NEW_PIN = b"first123", b"second45"
ONE_AFTER_THE_OTHER: list[Parameters] = [
    ListReaders(),
    ReadCardStatus(),
    ReadCertificate(),
    ProvePossession(bytes(32), card_serial=SERIAL.hex()),
    SetPin(PinPurpose.UNLOCK, SERIAL.hex(), bytes(32)),
    ChangePin(card_serial=SERIAL.hex()),
]


@pytest.fixture
def readers(pcsc_sandbox: PcscSandbox, card: VirtualCard) -> Iterator[PcscReaders]:
    """The readers of a real service, with a card in one of them."""
    readers, snapshots = PcscReaders(busy_timeout=1), SnapshotRecorder()
    watch = readers.watch(snapshots)
    vpcd = VpcdReader(pcsc_sandbox.connect)
    snapshots.wait_until(has_card(READER, False))
    vpcd.insert(card)
    snapshots.wait_until(has_card(READER))
    yield readers
    vpcd.pull()
    snapshots.wait_until(has_card(READER, False))
    watch.close()


async def test_every_operation_on_a_card_behind_a_real_service(readers: PcscReaders) -> None:
    secrets: dict[PinKind, list[bytes | None]] = {
        PinKind.CURRENT: [PIN, NEW_PIN],
        PinKind.NEW: [NEW_PIN, PIN],
    }
    room = OperationHarness(readers, secrets)
    for parameters in ONE_AFTER_THE_OTHER:
        outcome = await room.run(parameters)
        assert isinstance(outcome, OperationResult), outcome
    room.thread.close()
