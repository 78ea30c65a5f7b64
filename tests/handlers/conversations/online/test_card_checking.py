"""Looking at a card from the chat, without a PIN."""

import json
from datetime import UTC, datetime
from pathlib import Path

import pytest

from handlers.conversations.card_check.online import REPORT, report_text
from handlers.engine.model import StepContext
from tests.handlers.conversations.online.card_stage import PIN, WRONG, CardStage, keys_of
from tests.handlers.engine.walking import press
from tests.reader_bridge.card.card_issuer import CARD_NUMBER, CardIssuer
from tests.reader_bridge.card.fake_cards import PIN_INSTRUCTIONS, MoicaCard

FRAGMENTS = {
    "en": ("What the card says", "Kaika virtual reader", "not activated yet", "activate it"),
    "zh-hant": ("卡片的狀況", "Kaika virtual reader", "尚未開卡", "開卡"),
}


@pytest.mark.parametrize("language", ["en", "zh-hant"])
async def test_a_new_card_is_looked_at(cards: CardStage, language: str) -> None:
    async with cards.at_home(language) as home:
        person, pc, holder = home.person, home.pc, home.holder
        await home.looks()
        await cards.sees(person, *FRAGMENTS[language])
        assert (await holder.card_number())[:12] not in person.last["text"]
        assert pc.person.asked == []
        await press(person, "lang-en" if language != "en" else "lang-zh_Hant")
        person.sees(*FRAGMENTS["en" if language != "en" else "zh-hant"])


async def test_tries_validity_and_record_of_an_active_card(cards: CardStage) -> None:
    async with cards.at_home() as home:
        person, holder = home.person, home.holder
        await home.activates()
        await home.looks()
        await cards.sees(person, "PIN tries left: 3 of 3", "in use", "All in order", "good until")
        await holder.suspends(cards.now)
        await press(person, "again")
        await cards.sees(person, "suspended", "Resume it")


async def test_a_locked_card_leads_to_unlocking(cards: CardStage) -> None:
    async with cards.at_home() as home:
        person = home.person
        await home.activates()
        await home.changes_pin(WRONG, PIN)
        await cards.sees(person, "The PIN is locked")
        await home.looks()
        await cards.sees(person, "PIN tries left: 0", "unlock the card")


async def test_a_real_moica_card_is_read_and_gets_no_pin_command(cards: CardStage) -> None:
    issuer = CardIssuer()
    moica = MoicaCard(issuer.certify("encryption"), issuer.certify("signature"), issuer.der)
    async with cards.at_home() as home:
        home.pc.reader.insert(moica)
        await home.looks()
        person = home.person
        await cards.sees(person, "a real MOICA card", f"…{CARD_NUMBER[-4:]}", "good until")
        person.sees("by 測試憑證管理中心", "I have no record of it", "Use only that page")
        await home.begins("activate")
        await cards.sees(person, "This kind of card cannot do that here")
    assert not {command[1] for command in moica.commands} & PIN_INSTRUCTIONS


async def test_a_card_of_nobody_here_is_not_in_order(cards: CardStage, tmp_path: Path) -> None:
    foreign = CardIssuer().issue(tmp_path / "foreign.card", PIN)
    async with cards.at_home() as home:
        home.pc.reader.insert(foreign)
        await home.looks()
        await cards.sees(home.person, "What the card says", "not on record here")
        assert "All in order" not in home.person.last["text"]
    foreign.close()


def test_a_card_without_a_readable_certificate_is_not_in_order() -> None:
    report = {"reader": "R", "profile": "gids", "number": None, "pin": 3, "limit": 3}
    now = datetime(2027, 3, 1, tzinfo=UTC)
    text = report_text(StepContext(1, 1, "en", None, now, {REPORT: json.dumps(report)}))
    assert "could read no certificate" in text
    assert "All in order" not in text


async def test_without_a_card_it_says_what_it_waits_for(cards: CardStage) -> None:
    async with cards.at_home() as home:
        person, pc = home.person, home.pc
        assert pc.card is not None
        pc.reader.pull()
        await home.looks()
        await cards.sees(person, "Put the card into the reader")
        pc.reader.insert(pc.card)
        await cards.sees(person, "What the card says")


async def test_the_bridge_that_is_closed_in_between_is_explained(cards: CardStage) -> None:
    person = cards.stage.subscriber()
    async with cards.pc() as pc:
        await person.starts("do-card_check")
        await press(person, "go")
        await cards.pairs(person, pc)
        await cards.sees(person, "Put the card into the reader")
    await cards.sees(person, "Your PC is no longer connected")
    holder = await cards.holder("posted")
    async with cards.pc(holder) as pc:
        await press(person, "again")
        assert "new" in keys_of(person), "a code for a new connection"
        await cards.pairs(person, pc)
        await cards.sees(person, "What the card says")
