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
from reader_bridge.protocol.operation_payloads import CertificateCopy
from services.authority.interface.certificates import CertificateKind
from services.bridge.events import ProvenPossession
from services.bridge.operations.card_task import CardTask
from tests import phrases
from tests.bot_harness import ChatUser
from tests.handlers.conversations.online.bridge_harness import BridgeHarness, PcUser
from tests.handlers.conversations.online.cardholders import Cardholder
from tests.handlers.engine.navigation import press
from tests.reader_bridge.bridge_runner import run_test_bridge
from tests.reader_bridge.card.jcecard_reader import insert_jcecard
from tests.reader_bridge.card.pcsc_sandbox import READER, PcscSandbox
from tests.reader_bridge.card.snapshot_recorder import SnapshotRecorder, has_card
from tests.reader_bridge.end_to_end.card_walk import pair
from tests.reader_bridge.end_to_end.frame_proxy import CountingConnector
from tests.reader_bridge.end_to_end.whole_system import WholeSystem

PIN, NEW_PIN, THIRD_PIN, WRONG, PUK = b"123456", b"98765432", b"555666", b"111111", b"12345678"


@dataclass
class PivScenario:
    """Somebody with a PIV card at their PC, paired."""

    system: WholeSystem
    person: ChatUser
    prompter: PcUser
    holder: Cardholder

    @property
    def cards(self) -> BridgeHarness:
        return self.system.cards

    async def looks(self, *fragments: str) -> None:
        """Have the card looked at, and see what is told."""
        await self.person.starts("do-card_check")
        await press(self.person, "go")
        await self.cards.wait_for_text(self.person, phrases.CARD_FINDINGS, "a PIV card", *fragments)

    async def begins(self, what: str) -> None:
        """Begin something that needs the code."""
        await self.person.starts(f"do-{what}")
        await press(self.person, "go")
        await self.person.says(self.holder.number_and_code)
        await press(self.person, "start")

    async def changes_pin(self, old: bytes, new: bytes, *fragments: str) -> None:
        """Change the PIN, and see what is told."""
        self.prompter.pins |= {PinKind.CURRENT: [old], PinKind.NEW: [new]}
        await self.person.starts("do-change_pin")
        await press(self.person, "yes")
        await self.cards.wait_for_text(self.person, *fragments)


@pytest.fixture
async def scenario(
    system: WholeSystem, pcsc_sandbox: PcscSandbox, tmp_path: Path
) -> AsyncIterator[PivScenario]:
    """A person whose card of record is `jcecard`, behind a real reader service."""
    holder = await system.cards.office.cardholder("posted", 70)
    order = system.cards.office.maker.orders[-1]
    kind = CertificateKind.AUTHENTICATION
    (tmp_path / "key.der").write_bytes(order.private_keys[kind])
    (tmp_path / "certificate.der").write_bytes(order.certificates[kind])
    (tmp_path / "serial").write_bytes(bytes.fromhex(order.card_serial))
    readers, snapshots = PcscReaders(busy_timeout=1), SnapshotRecorder()
    watch = readers.watch(snapshots)
    snapshots.wait_until(has_card(READER, False))
    with insert_jcecard(pcsc_sandbox, tmp_path):
        snapshots.wait_until(has_card(READER))
        prompter, person = PcUser(), system.cards.harness.add_user()
        link = CountingConnector(system.proxy)
        async with run_test_bridge(system.proxy.url, prompter, readers, connector=link):
            await pair(system.cards, person, prompter)
            yield PivScenario(system, person, prompter, holder)
    snapshots.wait_until(has_card(READER, False))
    watch.close()


async def test_what_the_chat_offers_to_a_piv_card(scenario: PivScenario) -> None:
    person, cards = scenario.person, scenario.cards
    await scenario.looks("PIN attempts left: 3", phrases.NOT_ACTIVATED)
    await scenario.begins("activate")
    await cards.wait_for_text(person, phrases.CARD_CANNOT_DO_THAT, "Nothing was sent to it")
    assert scenario.prompter.pin_requests == [], "no PIN was asked for"
    assert await scenario.holder.certificate_state() == "inactive"

    await scenario.holder.activates(cards.now)
    await scenario.looks(
        "valid (有效)", phrases.ALL_IN_ORDER, f"…{(await scenario.holder.read_card_number())[-4:]}"
    )
    await scenario.changes_pin(PIN, NEW_PIN, "The new PIN is set")

    scenario.prompter.pins[PinKind.CURRENT] = [NEW_PIN]
    proof = await scenario.system.run_task(person, CardTask.PROVE_POSSESSION)
    assert isinstance(proof, ProvenPossession)
    order = cards.office.maker.orders[-1]
    assert proof.card_serial == order.card_serial
    assert proof.certificate == order.certificates[CertificateKind.AUTHENTICATION]
    assert isinstance(
        await scenario.system.run_task(person, CardTask.READ_CERTIFICATE), CertificateCopy
    )

    await scenario.changes_pin(WRONG, PIN, "The PIN is locked")
    await scenario.looks("PIN attempts left: 0", "unlock the card")
    scenario.prompter.pins |= {PinKind.PUK: [PUK], PinKind.NEW: [THIRD_PIN]}
    await scenario.begins("unlock")
    await cards.wait_for_text(person, phrases.UNLOCKED)
    await scenario.looks("PIN attempts left: 3", phrases.ALL_IN_ORDER)
    await scenario.changes_pin(THIRD_PIN, PIN, "The new PIN is set")


async def test_a_wrong_puk_is_told_and_leads_on(scenario: PivScenario) -> None:
    await scenario.holder.activates(scenario.cards.now)
    scenario.prompter.pins |= {PinKind.PUK: [WRONG, None], PinKind.NEW: [THIRD_PIN]}
    await scenario.begins("unlock")
    await scenario.cards.wait_for_text(scenario.person, "The PUK was wrong", "Attempts left: 2")
    scenario.prompter.pins[PinKind.PUK] = [PUK]
    await press(scenario.person, "again")
    await scenario.cards.wait_for_text(scenario.person, phrases.UNLOCKED)
