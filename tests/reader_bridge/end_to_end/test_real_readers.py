"""The whole way over a real reader service: from the chat to a card behind pcscd, and back."""

import asyncio
import subprocess
from collections.abc import AsyncIterator

import pytest
from cryptography import x509
from cryptography.hazmat.primitives.serialization import Encoding

from reader_bridge.protocol.operation_payloads import ReaderList
from services.authority.interface.certificates import CertificateKind
from services.bridge.events import ProvenPossession
from services.bridge.operations.card_task import CardTask
from tests import phrases
from tests.handlers.engine.navigation import press
from tests.reader_bridge.card.pcsc_sandbox import PcscSandbox
from tests.reader_bridge.end_to_end.breakable_readers import BreakablePcscReader
from tests.reader_bridge.end_to_end.card_walk import CardWalk, start_card_walk
from tests.reader_bridge.end_to_end.faults import (
    AS_USUAL,
    FAULTS,
    Fault,
    StartTask,
    activate,
    card_check,
    card_pulled,
    change_pin,
    reader_service_killed,
    run_with_fault_everywhere,
    unlock,
)
from tests.reader_bridge.end_to_end.watched_card import VERIFY
from tests.reader_bridge.end_to_end.whole_system import WholeSystem


@pytest.fixture
async def reader(pcsc_sandbox: PcscSandbox) -> AsyncIterator[BreakablePcscReader]:
    """The first reader of a real service."""
    reader = BreakablePcscReader(pcsc_sandbox)
    yield reader
    await reader.close()


async def test_every_operation_is_done_on_the_virtual_card_and_opensc_agrees(
    system: WholeSystem, reader: BreakablePcscReader
) -> None:
    async with start_card_walk(system, reader) as walk:
        assert isinstance(await system.run_task(walk.person, CardTask.LIST_READERS), ReaderList)
        for work in (activate, card_check, change_pin):
            await does(walk, work)
        old = walk.card.pin
        assert isinstance(
            await system.run_task(walk.person, CardTask.PROVE_POSSESSION), ProvenPossession
        )
        await is_locked(walk)
        await does(walk, unlock)
        new = walk.card.pin or b""
        assert new != old
        assert isinstance(
            await system.run_task(walk.person, CardTask.PROVE_POSSESSION), ProvenPossession
        )
        assert walk.card.spent_tries == [(VERIFY, "pin")] * 3, "the wrong ones alone"
        await opensc_agrees(walk, new.decode())


async def does(walk: CardWalk, work: StartTask) -> None:
    """Do something of the chat to its end."""
    key = await work(walk)
    await press(walk.person, key)
    await walk.follow_to_end()


async def is_locked(walk: CardWalk) -> None:
    """Type three wrong PINs, and read what the chat says of it."""
    walk.prompter.wrong_entries = 3
    await press(walk.person, await change_pin(walk))
    await walk.cards.wait_for_text(walk.person, "The PIN is locked", phrases.UNLOCK_BUTTON)
    await press(walk.person, await card_check(walk))
    await walk.cards.wait_for_text(walk.person, "PIN attempts left: 0 of 3", "unlock the card")


async def opensc_agrees(walk: CardWalk, pin: str) -> None:
    """Look at the card with tools that know nothing of us."""
    assert (await opensc("opensc-tool", "--name")).strip() == "GIDS Smart Card"
    assert await read_tries() == [3, 8]
    await opensc("pkcs15-tool", "--verify-pin", "--pin", pin)
    await opensc("pkcs15-tool", "--verify-pin", "--pin", "wrong999", fails=True)
    assert await read_tries() == [2, 8]
    pem = await opensc("pkcs15-tool", "--read-certificate", "00")
    order = walk.cards.office.maker.orders[-1]
    certificate = x509.load_pem_x509_certificate(pem.encode())
    assert (
        certificate.public_bytes(Encoding.DER) == order.certificates[CertificateKind.AUTHENTICATION]
    )
    await press(walk.person, await card_check(walk))
    await walk.cards.wait_for_text(walk.person, "PIN attempts left: 2 of 3", "valid (有效)")


async def read_tries() -> list[int]:
    """What OpenSC says: of the PIN, and of the administrator."""
    dump = await opensc("pkcs15-tool", "--list-pins")
    return [int(line.split(":")[1]) for line in dump.splitlines() if "Tries left" in line]


async def opensc(*command: str, fails: bool = False) -> str:
    """Run a tool; return what it says."""
    done = await asyncio.to_thread(
        subprocess.run, command, capture_output=True, text=True, timeout=30, check=False
    )
    assert (done.returncode != 0) is fails, done.stdout + done.stderr
    return str(done.stdout)


@pytest.mark.parametrize("fault", [card_pulled, reader_service_killed])
async def test_a_pin_is_set_though_card_or_service_went_at_any_message(
    system: WholeSystem, reader: BreakablePcscReader, fault: Fault
) -> None:
    async with start_card_walk(system, reader) as walk:
        assert await run_with_fault_everywhere(walk, unlock, fault) >= 7
        assert set(walk.explanations) <= FAULTS[fault] | AS_USUAL
