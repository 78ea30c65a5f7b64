"""The whole way over a real reader service: from the chat to a card behind pcscd, and back."""

import asyncio
import subprocess
from collections.abc import AsyncIterator

import pytest
from cryptography import x509
from cryptography.hazmat.primitives.serialization import Encoding

from reader_bridge.protocol.operations import ReaderList
from services.authority.interface.certificates import CertificateKind
from services.bridge.events import Possession
from services.bridge.operations.task import Work
from tests.handlers.engine.navigation import press
from tests.reader_bridge.card.reader_room import ReaderRoom
from tests.reader_bridge.end_to_end.accidents import (
    ACCIDENTS,
    AS_USUAL,
    Accident,
    Begin,
    activate,
    card_check,
    card_pulled,
    change_pin,
    reader_service_killed,
    struck_everywhere,
    unlock,
)
from tests.reader_bridge.end_to_end.at_home import CHANGE_REFERENCE_DATA
from tests.reader_bridge.end_to_end.readers import RealReader
from tests.reader_bridge.end_to_end.walking import Walk, sat_down
from tests.reader_bridge.end_to_end.whole import Whole


@pytest.fixture
async def reader(reader_room: ReaderRoom) -> AsyncIterator[RealReader]:
    """The first reader of a real service."""
    reader = RealReader(reader_room)
    yield reader
    await reader.close()


async def test_every_operation_is_done_on_the_virtual_card_and_opensc_agrees(
    whole: Whole, reader: RealReader
) -> None:
    async with sat_down(whole, reader) as walk:
        assert isinstance(await whole.asked(walk.person, Work.LIST_READERS), ReaderList)
        for work in (activate, card_check, change_pin):
            await does(walk, work)
        old = walk.card.pin
        assert isinstance(await whole.asked(walk.person, Work.PROVE_POSSESSION), Possession)
        await is_locked(walk)
        await does(walk, unlock)
        new = walk.card.pin or b""
        assert new != old
        assert isinstance(await whole.asked(walk.person, Work.PROVE_POSSESSION), Possession)
        assert walk.card.lowered == [(CHANGE_REFERENCE_DATA, "pin")] * 3, "the wrong ones alone"
        await opensc_agrees(walk, new.decode())


async def does(walk: Walk, work: Begin) -> None:
    """Do something of the chat to its end."""
    key = await work(walk)
    await press(walk.person, key)
    await walk.goes_on_to_the_end()


async def is_locked(walk: Walk) -> None:
    """Type three wrong PINs, and read what the chat says of it."""
    walk.at_pc.slips = 3
    await press(walk.person, await change_pin(walk))
    await walk.cards.wait_for_text(walk.person, "The PIN is locked", "Unlock the card")
    await press(walk.person, await card_check(walk))
    await walk.cards.wait_for_text(walk.person, "PIN tries left: 0 of 3", "unlock the card")


async def opensc_agrees(walk: Walk, pin: str) -> None:
    """Look at the card with tools that know nothing of us."""
    assert (await opensc("opensc-tool", "--name")).strip() == "GIDS Smart Card"
    assert await tries() == [3, 8]
    await opensc("pkcs15-tool", "--verify-pin", "--pin", pin)
    await opensc("pkcs15-tool", "--verify-pin", "--pin", "wrong999", fails=True)
    assert await tries() == [2, 8]
    pem = await opensc("pkcs15-tool", "--read-certificate", "00")
    order = walk.cards.office.maker.orders[-1]
    certificate = x509.load_pem_x509_certificate(pem.encode())
    assert (
        certificate.public_bytes(Encoding.DER) == order.certificates[CertificateKind.AUTHENTICATION]
    )
    await press(walk.person, await card_check(walk))
    await walk.cards.wait_for_text(walk.person, "PIN tries left: 2 of 3", "in use")


async def tries() -> list[int]:
    """What OpenSC says: of the PIN, and of the administrator."""
    dump = await opensc("pkcs15-tool", "--list-pins")
    return [int(line.split(":")[1]) for line in dump.splitlines() if "Tries left" in line]


async def opensc(*command: str, fails: bool = False) -> str:
    """Run a tool; give what it says."""
    done = await asyncio.to_thread(
        subprocess.run, command, capture_output=True, text=True, timeout=30, check=False
    )
    assert (done.returncode != 0) is fails, done.stdout + done.stderr
    return str(done.stdout)


@pytest.mark.parametrize("accident", [card_pulled, reader_service_killed])
async def test_a_pin_is_set_though_card_or_service_went_at_any_message(
    whole: Whole, reader: RealReader, accident: Accident
) -> None:
    async with sat_down(whole, reader) as walk:
        assert await struck_everywhere(walk, unlock, accident) >= 7
        assert set(walk.told) <= ACCIDENTS[accident] | AS_USUAL
