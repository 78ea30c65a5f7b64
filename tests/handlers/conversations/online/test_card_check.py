"""Checking a card from the chat, without a PIN."""

import json
from datetime import UTC, datetime
from pathlib import Path

import pytest

from handlers.conversations.card_check.online import REPORT, report_text
from handlers.engine.model import StepContext
from tests import phrases
from tests.handlers.conversations.online.bridge_harness import (
    PIN,
    WRONG_PIN,
    BridgeHarness,
    button_keys,
)
from tests.handlers.engine.navigation import press
from tests.reader_bridge.card.card_issuer import CARD_NUMBER, CardTestAuthority
from tests.reader_bridge.card.fake_cards import PIN_INSTRUCTIONS, MoicaCard

FRAGMENTS = {
    "en": (phrases.CARD_FINDINGS, "Kaika virtual reader", phrases.NOT_ACTIVATED, "activate it"),
    "zh-hant": (phrases.CARD_FINDINGS.chinese, "Kaika virtual reader", "尚未開卡", "開卡"),
}


@pytest.mark.parametrize("language", ["en", "zh-hant"])
async def test_a_new_card_is_looked_at(bridge_harness: BridgeHarness, language: str) -> None:
    async with bridge_harness.open_pc_session(language) as home:
        person, pc, holder = home.person, home.pc, home.holder
        await home.checks_card()
        await bridge_harness.wait_for_text(person, *FRAGMENTS[language])
        assert (await holder.read_card_number())[:12] not in person.last["text"]
        assert pc.person.pin_requests == []
        await press(person, "lang-en" if language != "en" else "lang-zh_Hant")
        person.sees(*FRAGMENTS["en" if language != "en" else "zh-hant"])


async def test_tries_validity_and_record_of_an_active_card(bridge_harness: BridgeHarness) -> None:
    async with bridge_harness.open_pc_session() as home:
        person, holder = home.person, home.holder
        await home.activates()
        await home.checks_card()
        await bridge_harness.wait_for_text(
            person, "PIN attempts left: 3 of 3", "valid (有效)", phrases.ALL_IN_ORDER, "valid until"
        )
        await holder.suspends(bridge_harness.now)
        await press(person, "again")
        await bridge_harness.wait_for_text(person, "suspended", "Reactivate it")


async def test_a_locked_card_leads_to_unlocking(bridge_harness: BridgeHarness) -> None:
    async with bridge_harness.open_pc_session() as home:
        person = home.person
        await home.activates()
        await home.changes_pin(WRONG_PIN, PIN)
        await bridge_harness.wait_for_text(person, "The PIN is locked")
        await home.checks_card()
        await bridge_harness.wait_for_text(person, "PIN attempts left: 0", "unlock the card")
        assert phrases.UNLOCK_CARD in person.labels[0]
        await person.says("how much does the card cost")
        person.sees("278")


async def test_a_real_moica_card_is_read_and_gets_no_pin_command(
    bridge_harness: BridgeHarness,
) -> None:
    issuer = CardTestAuthority()
    moica = MoicaCard(issuer.certify("encryption"), issuer.certify("signature"), issuer.der)
    async with bridge_harness.open_pc_session() as home:
        home.pc.reader.insert(moica)
        await home.checks_card()
        person = home.person
        await bridge_harness.wait_for_text(
            person, "a real MOICA card", f"…{CARD_NUMBER[-4:]}", "valid until"
        )
        person.sees("by 測試憑證管理中心", "no record here", "Use only that page")
        await home.begins("activate")
        await bridge_harness.wait_for_text(person, phrases.CARD_CANNOT_DO_THAT)
    assert not {command[1] for command in moica.commands} & PIN_INSTRUCTIONS


async def test_a_card_of_nobody_here_is_not_in_order(
    bridge_harness: BridgeHarness, tmp_path: Path
) -> None:
    foreign = CardTestAuthority().issue(tmp_path / "foreign.card", PIN)
    async with bridge_harness.open_pc_session() as home:
        home.pc.reader.insert(foreign)
        await home.checks_card()
        await bridge_harness.wait_for_text(home.person, phrases.CARD_FINDINGS, "not on record here")
        assert phrases.ALL_IN_ORDER not in home.person.last["text"]
    foreign.close()


def test_a_card_without_a_readable_certificate_is_not_in_order() -> None:
    report = {"reader": "R", "profile": "gids", "number": None, "pin": 3, "limit": 3}
    now = datetime(2027, 3, 1, tzinfo=UTC)
    text = report_text(StepContext(1, 1, "en", None, now, {REPORT: json.dumps(report)}))
    assert "no certificate could be read" in text
    assert phrases.ALL_IN_ORDER not in text


async def test_without_a_card_it_says_what_it_waits_for(bridge_harness: BridgeHarness) -> None:
    async with bridge_harness.open_pc_session() as home:
        person, pc = home.person, home.pc
        assert pc.card is not None
        pc.reader.pull()
        await home.checks_card()
        await bridge_harness.wait_for_text(person, phrases.PUT_CARD_IN)
        pc.reader.insert(pc.card)
        await bridge_harness.wait_for_text(person, phrases.CARD_FINDINGS)


async def test_the_bridge_that_is_closed_in_between_is_explained(
    bridge_harness: BridgeHarness,
) -> None:
    person = bridge_harness.harness.add_user()
    async with bridge_harness.open_pc() as pc:
        await person.starts("do-card_check")
        await press(person, "go")
        await bridge_harness.pair(person, pc)
        await bridge_harness.wait_for_text(person, phrases.PUT_CARD_IN)
    await bridge_harness.wait_for_text(person, "Your PC is no longer connected")
    holder = await bridge_harness.cardholder("posted")
    async with bridge_harness.open_pc(holder) as pc:
        await press(person, "again")
        assert "new" in button_keys(person), "a code for a new connection"
        await bridge_harness.pair(person, pc)
        await bridge_harness.wait_for_text(person, phrases.CARD_FINDINGS)
