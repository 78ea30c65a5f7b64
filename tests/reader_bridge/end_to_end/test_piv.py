"""A PIV card that nobody here wrote, as a person's card on record: what the chat can do with it.

The authority's own cards are GIDS cards. A PIV card has no administrator's key that an issuer
could prove itself with, so it is not activated from here: whoever personalised it gave the PIN and
the PUK. Everything else the chat offers works with it, and it is unlocked by the PUK typed on the
PC.
"""

from collections.abc import AsyncIterator
from dataclasses import dataclass
from pathlib import Path

import pytest

from reader_bridge.card.pcsc import PcscReaders
from reader_bridge.prompter import PinKind
from reader_bridge.protocol.operations import CertificateCopy
from services.authority.interface.certificates import CertificateKind
from services.bridge.events import Possession
from services.bridge.operations.task import Work
from tests.chat import Subscriber
from tests.handlers.conversations.online.bridge_stage import BridgeStage, PcUser
from tests.handlers.conversations.online.cardholders import Cardholder
from tests.handlers.engine.navigation import press
from tests.reader_bridge.card.jcecard_room import put_in
from tests.reader_bridge.card.reader_room import READER, ReaderRoom
from tests.reader_bridge.card.watching import Told, has_card
from tests.reader_bridge.end_to_end.walking import pairs
from tests.reader_bridge.end_to_end.whole import Whole
from tests.reader_bridge.end_to_end.wire import CountedLink
from tests.reader_bridge.running import running

PIN, NEW_PIN, THIRD_PIN, WRONG, PUK = b"123456", b"98765432", b"555666", b"111111", b"12345678"


@dataclass
class Desk:
    """Somebody with a PIV card at their PC, paired."""

    whole: Whole
    person: Subscriber
    at_pc: PcUser
    holder: Cardholder

    @property
    def cards(self) -> BridgeStage:
        return self.whole.cards

    async def looks(self, *fragments: str) -> None:
        """Have the card looked at, and see what is told."""
        await self.person.starts("do-card_check")
        await press(self.person, "go")
        await self.cards.wait_for_text(self.person, "What the card says", "a PIV card", *fragments)

    async def begins(self, what: str) -> None:
        """Begin something that needs the code."""
        await self.person.starts(f"do-{what}")
        await press(self.person, "go")
        await self.person.says(self.holder.number_and_code)
        await press(self.person, "start")

    async def changes_pin(self, old: bytes, new: bytes, *fragments: str) -> None:
        """Change the PIN, and see what is told."""
        self.at_pc.pins |= {PinKind.CURRENT: [old], PinKind.NEW: [new]}
        await self.person.starts("do-change_pin")
        await press(self.person, "yes")
        await self.cards.wait_for_text(self.person, *fragments)


@pytest.fixture
async def desk(whole: Whole, reader_room: ReaderRoom, tmp_path: Path) -> AsyncIterator[Desk]:
    """A person whose card of record is `jcecard`, behind a real reader service."""
    holder = await whole.cards.office.cardholder("posted", 70)
    order = whole.cards.office.maker.orders[-1]
    kind = CertificateKind.AUTHENTICATION
    (tmp_path / "key.der").write_bytes(order.private_keys[kind])
    (tmp_path / "certificate.der").write_bytes(order.certificates[kind])
    (tmp_path / "serial").write_bytes(bytes.fromhex(order.card_serial))
    readers, told = PcscReaders(busy_timeout=1), Told()
    watch = readers.watch(told)
    told.until(has_card(READER, False))
    with put_in(reader_room, tmp_path):
        told.until(has_card(READER))
        at_pc, person = PcUser(), whole.cards.stage.subscriber()
        link = CountedLink(whole.proxy)
        async with running(whole.proxy.url, at_pc, readers, link=link):
            await pairs(whole.cards, person, at_pc)
            yield Desk(whole, person, at_pc, holder)
    told.until(has_card(READER, False))
    watch.close()


async def test_what_the_chat_offers_to_a_piv_card(desk: Desk) -> None:
    person, cards = desk.person, desk.cards
    await desk.looks("PIN tries left: 3", "not activated yet")
    await desk.begins("activate")
    await cards.wait_for_text(
        person, "This kind of card cannot do that here", "nothing was sent to it"
    )
    assert desk.at_pc.pin_requests == [], "no PIN was asked for"
    assert await desk.holder.certificate_state() == "inactive"

    await desk.holder.activates(cards.now)
    await desk.looks("in use", "All in order", f"…{(await desk.holder.read_card_number())[-4:]}")
    await desk.changes_pin(PIN, NEW_PIN, "The new PIN is set")

    desk.at_pc.pins[PinKind.CURRENT] = [NEW_PIN]
    proof = await desk.whole.asked(person, Work.PROVE_POSSESSION)
    assert isinstance(proof, Possession)
    order = cards.office.maker.orders[-1]
    assert proof.card_serial == order.card_serial
    assert proof.certificate == order.certificates[CertificateKind.AUTHENTICATION]
    assert isinstance(await desk.whole.asked(person, Work.READ_CERTIFICATE), CertificateCopy)

    await desk.changes_pin(WRONG, PIN, "The PIN is locked")
    await desk.looks("PIN tries left: 0", "unlock the card")
    desk.at_pc.pins |= {PinKind.PUK: [PUK], PinKind.NEW: [THIRD_PIN]}
    await desk.begins("unlock")
    await cards.wait_for_text(person, "Unlocked (解碼).")
    await desk.looks("PIN tries left: 3", "All in order")
    await desk.changes_pin(THIRD_PIN, PIN, "The new PIN is set")


async def test_a_wrong_puk_is_told_and_leads_on(desk: Desk) -> None:
    await desk.holder.activates(desk.cards.now)
    desk.at_pc.pins |= {PinKind.PUK: [WRONG, None], PinKind.NEW: [THIRD_PIN]}
    await desk.begins("unlock")
    await desk.cards.wait_for_text(desk.person, "The PUK was wrong", "Tries left: 2")
    desk.at_pc.pins[PinKind.PUK] = [PUK]
    await press(desk.person, "again")
    await desk.cards.wait_for_text(desk.person, "Unlocked (解碼).")
