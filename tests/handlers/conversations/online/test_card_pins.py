"""Changing a PIN, locking the card with wrong ones, and unlocking it."""

import pytest

from reader_bridge.prompter import PinKind
from tests.handlers.conversations.online.card_stage import NEW_PIN, PIN, WRONG, CardStage, keys_of
from tests.handlers.engine.walking import press

CHANGED = {"en": "The new PIN is set.", "zh-hant": "新的 PIN碼已設定完成"}
LOCKED = {"en": "The PIN is locked: no try is left.", "zh-hant": "PIN碼已鎖住：沒有剩餘次數"}
UNLOCKED = {"en": "Unlocked (解碼).", "zh-hant": "已解碼"}
THIRD = b"third789"


@pytest.mark.parametrize("language", ["en", "zh-hant"])
async def test_a_pin_is_changed_locked_and_unlocked(cards: CardStage, language: str) -> None:
    async with cards.at_home(language) as home:
        person, pc, holder = home.person, home.pc, home.holder
        await home.activates()
        await home.changes_pin(NEW_PIN, PIN)
        await cards.sees(person, CHANGED[language])
        await home.changes_pin(WRONG, THIRD)
        await cards.sees(person, LOCKED[language])
        assert pc.tries == 0
        await home.begins("unlock")
        await cards.sees(person, UNLOCKED[language])
        assert pc.tries == 3
    assert await holder.certificate() == "active"


async def test_after_a_wrong_pin_the_chat_says_how_many_are_left(cards: CardStage) -> None:
    async with cards.at_home() as home:
        person, pc = home.person, home.pc
        await home.activates()
        await home.changes_pin((WRONG, None), THIRD)
        await cards.sees(person, "The PIN was wrong.", "Tries left: 2")
        assert "again" in keys_of(person)
        assert any("Unlock" in label for label in person.labels)
        pc.person.pins = {PinKind.CURRENT: [None], PinKind.NEW: [THIRD]}
        await press(person, "again")
        await cards.sees(person, "No PIN was typed on your PC")
        assert pc.tries == 2


async def test_a_card_that_is_not_activated_is_not_unlocked(cards: CardStage) -> None:
    async with cards.at_home() as home:
        person = home.person
        await home.begins("unlock")
        await cards.sees(person, "not activated yet")
        assert home.pc.person.consents == [], "nothing is asked on the PC"
        assert any("Activate" in label for label in person.labels)


async def test_unlocking_a_suspended_card_leads_to_resuming(cards: CardStage) -> None:
    async with cards.at_home() as home:
        person, holder = home.person, home.holder
        await home.activates()
        await holder.suspends(cards.now)
        asked = len(home.pc.person.consents)
        await home.begins("unlock")
        await cards.sees(person, "suspended")
        assert len(home.pc.person.consents) == asked, "nothing is asked on the PC"
        assert cards.bridge.hub.status(person.person.id).running is None
        assert any("Resume" in label for label in person.labels)


async def test_nonsense_at_any_step_costs_nothing(cards: CardStage) -> None:
    async with cards.at_home() as home:
        person, pc = home.person, home.pc
        await home.is_asked()
        for nonsense in ("1234567", "👍", "x" * 4000, "/pairing", "first123"):
            await person.says(nonsense)
        person.sees("Go on at your PC")
        pc.person.free.set()
        await cards.sees(person, "Activated")
