"""Looking at a card from the chat, without a PIN."""

import pytest

from reader_bridge.prompts import PinKind
from tests.handlers.dialog.walking import press
from tests.handlers.embedded.card_stage import PIN, WRONG, CardStage, keys_of

FRAGMENTS = {
    "en": ("What the card says", "Kaika virtual reader", "not activated yet", "activate it"),
    "zh-hant": ("卡片的狀況", "Kaika virtual reader", "尚未開卡", "開卡"),
}


@pytest.mark.parametrize("language", ["en", "zh-hant"])
async def test_a_new_card_is_looked_at(cards: CardStage, language: str) -> None:
    holder = await cards.holder("posted")
    person = cards.stage.subscriber("Mai", language)
    async with cards.pc(holder) as pc:
        await person.starts("do-card_check")
        await press(person, "go")
        await cards.pairs(person, pc)
        await cards.sees(person, *FRAGMENTS[language])
        assert (await holder.card_number())[:12] not in person.last["text"]
        assert pc.person.asked == []
        await press(person, "lang-en" if language != "en" else "lang-zh_Hant")
        person.sees(*FRAGMENTS["en" if language != "en" else "zh-hant"])


async def test_tries_validity_and_record_of_an_active_card(cards: CardStage) -> None:
    holder = await cards.holder("posted")
    person = cards.stage.subscriber()
    async with cards.pc(holder) as pc:
        await cards.brings(person, pc, holder, "activate")
        await press(person, "start")
        await cards.sees(person, "Activated")
        await press(person, "no")
        await person.starts("do-card_check")
        await press(person, "go")
        await cards.sees(person, "PIN tries left: 3 of 3", "in use", "All in order", "good until")
        await holder.suspends(cards.now)
        await press(person, "again")
        await cards.sees(person, "suspended", "Resume it")


async def test_a_locked_card_leads_to_unlocking(cards: CardStage) -> None:
    holder = await cards.holder("posted")
    person = cards.stage.subscriber()
    async with cards.pc(holder) as pc:
        await cards.brings(person, pc, holder, "activate")
        await press(person, "start")
        await cards.sees(person, "Activated")
        await press(person, "no")
        pc.person.pins = {PinKind.CURRENT: [WRONG], PinKind.NEW: [PIN]}
        await person.starts("do-change_pin")
        await press(person, "yes")
        await cards.sees(person, "The PIN is locked")
        await person.starts("do-card_check")
        await press(person, "go")
        await cards.sees(person, "PIN tries left: 0", "unlock the card")


async def test_without_a_card_it_says_what_it_waits_for(cards: CardStage) -> None:
    holder = await cards.holder("posted")
    person = cards.stage.subscriber()
    async with cards.pc(holder) as pc:
        assert pc.card is not None
        pc.reader.pull()
        await person.starts("do-card_check")
        await press(person, "go")
        await cards.pairs(person, pc)
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
