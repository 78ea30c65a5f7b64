"""Changing a PIN, locking the card with wrong ones, and unlocking it."""

import pytest

from reader_bridge.prompts import PinKind
from tests.chat import Subscriber
from tests.handlers.dialog.walking import press
from tests.handlers.embedded.card_stage import NEW_PIN, PIN, WRONG, CardStage, Pc, keys_of

CHANGED = {"en": "The new PIN is set.", "zh-hant": "新的 PIN 碼已設定完成"}
LOCKED = {"en": "The PIN is locked: no try is left.", "zh-hant": "PIN 碼已鎖住：沒有剩餘次數"}
UNLOCKED = {"en": "Unlocked (解碼).", "zh-hant": "已解碼"}
THIRD = b"third789"


async def _changes(cards: CardStage, person: Subscriber, pc: Pc) -> None:
    await person.starts("do-change_pin")
    await press(person, "yes")
    if "new" in keys_of(person):
        await cards.pairs(person, pc)


@pytest.mark.parametrize("language", ["en", "zh-hant"])
async def test_a_pin_is_changed_locked_and_unlocked(cards: CardStage, language: str) -> None:
    holder = await cards.holder("posted")
    person = cards.stage.subscriber("Mai", language)
    async with cards.pc(holder) as pc:
        await cards.brings(person, pc, holder, "activate")
        await press(person, "start")
        await cards.until(lambda: "no" in keys_of(person))
        await press(person, "no")

        pc.person.pins = {PinKind.CURRENT: [NEW_PIN], PinKind.NEW: [PIN]}
        await _changes(cards, person, pc)
        await cards.sees(person, CHANGED[language])

        pc.person.pins = {PinKind.CURRENT: [WRONG], PinKind.NEW: [THIRD]}
        await _changes(cards, person, pc)
        await cards.sees(person, LOCKED[language])
        assert pc.tries == 0

        pc.person.pins = {PinKind.CURRENT: [THIRD], PinKind.NEW: [THIRD]}
        await cards.brings(person, pc, holder, "unlock")
        await press(person, "start")
        await cards.sees(person, UNLOCKED[language])
        assert pc.tries == 3
    assert await holder.certificate() == "active"


async def test_after_a_wrong_pin_the_chat_says_how_many_are_left(cards: CardStage) -> None:
    holder = await cards.holder("posted")
    person = cards.stage.subscriber()
    async with cards.pc(holder) as pc:
        await cards.brings(person, pc, holder, "activate")
        await press(person, "start")
        await cards.sees(person, "Activated")
        await press(person, "no")
        pc.person.pins = {PinKind.CURRENT: [WRONG, None], PinKind.NEW: [THIRD]}
        await _changes(cards, person, pc)
        await cards.sees(person, "The PIN was wrong.", "Tries left: 2")
        assert "again" in keys_of(person)
        assert any("Unlock" in label for label in person.labels)
        pc.person.pins = {PinKind.CURRENT: [None], PinKind.NEW: [THIRD]}
        await press(person, "again")
        await cards.sees(person, "No PIN was typed on your PC")
        assert pc.tries == 2


async def test_a_card_that_is_not_activated_is_not_unlocked(cards: CardStage) -> None:
    holder = await cards.holder("posted")
    person = cards.stage.subscriber()
    async with cards.pc(holder) as pc:
        await cards.brings(person, pc, holder, "unlock")
        await press(person, "start")
        await cards.sees(person, "not activated yet")
        assert any("Activate" in label for label in person.labels)


async def test_unlocking_a_suspended_card_leads_to_resuming(cards: CardStage) -> None:
    holder = await cards.holder("posted")
    person = cards.stage.subscriber()
    async with cards.pc(holder) as pc:
        await cards.brings(person, pc, holder, "activate")
        await press(person, "start")
        await cards.sees(person, "Activated")
        await press(person, "no")
        await holder.suspends(cards.now)
        await cards.brings(person, pc, holder, "unlock")
        await press(person, "start")
        await cards.sees(person, "suspended")
        assert any("Resume" in label for label in person.labels)


async def test_nonsense_at_any_step_costs_nothing(cards: CardStage) -> None:
    holder = await cards.holder("posted")
    person = cards.stage.subscriber()
    async with cards.pc(holder) as pc:
        await cards.brings(person, pc, holder, "activate")
        pc.person.free.clear()
        await press(person, "start")
        await cards.sees(person, "Go on at your PC")
        for nonsense in ("1234567", "👍", "x" * 4000, "/pairing", "first123"):
            await person.says(nonsense)
        person.sees("Go on at your PC")
        pc.person.free.set()
        await cards.sees(person, "Activated")
