"""Changing a PIN, locking the card with wrong ones, and unlocking it."""

import pytest

from reader_bridge.prompter import PinKind
from tests import phrases
from tests.handlers.conversations.online.bridge_harness import (
    NEW_PIN,
    PIN,
    WRONG_PIN,
    BridgeHarness,
    button_keys,
)
from tests.handlers.engine.navigation import press

CHANGED = {"en": "The new PIN is set.", "zh-hant": "新的PIN碼已設定完成"}
LOCKED = {"en": phrases.PIN_IS_LOCKED, "zh-hant": phrases.PIN_IS_LOCKED.chinese}
UNLOCKED = {"en": phrases.UNLOCKED, "zh-hant": phrases.UNLOCKED.chinese}
THIRD = b"third789"


@pytest.mark.parametrize("language", ["en", "zh-hant"])
async def test_a_pin_is_changed_locked_and_unlocked(
    bridge_harness: BridgeHarness, language: str
) -> None:
    async with bridge_harness.open_pc_session(language) as home:
        person, pc, holder = home.person, home.pc, home.holder
        await home.activates()
        await home.changes_pin(NEW_PIN, PIN)
        await bridge_harness.wait_for_text(person, CHANGED[language])
        await home.changes_pin(WRONG_PIN, THIRD)
        await bridge_harness.wait_for_text(person, LOCKED[language])
        assert pc.tries == 0
        unlock = {"en": phrases.UNLOCK_CARD, "zh-hant": phrases.UNLOCK_BUTTON.chinese}
        assert unlock[language] in person.labels[0]
        assert "again" not in button_keys(person), "it would end in the same way"
        await home.begins("unlock")
        await bridge_harness.wait_for_text(person, UNLOCKED[language])
        assert pc.tries == 3
    assert await holder.certificate_state() == "active"


async def test_after_a_wrong_pin_the_chat_says_how_many_are_left(
    bridge_harness: BridgeHarness,
) -> None:
    async with bridge_harness.open_pc_session() as home:
        person, pc = home.person, home.pc
        await home.activates()
        await home.changes_pin((WRONG_PIN, None), THIRD)
        await bridge_harness.wait_for_text(person, phrases.PIN_WAS_WRONG, "Attempts left: 2")
        assert "again" in button_keys(person)
        assert any("Unlock" in label for label in person.labels)
        pc.person.pins = {PinKind.CURRENT: [None], PinKind.NEW: [THIRD]}
        await press(person, "again")
        await bridge_harness.wait_for_text(person, "No PIN was entered on your PC")
        assert pc.tries == 2


async def test_a_card_that_is_not_activated_is_not_unlocked(bridge_harness: BridgeHarness) -> None:
    async with bridge_harness.open_pc_session() as home:
        person = home.person
        await home.begins("unlock")
        await bridge_harness.wait_for_text(person, phrases.NOT_ACTIVATED)
        assert home.pc.person.consents == [], "nothing is asked on the PC"
        assert any("Activate" in label for label in person.labels)


async def test_unlocking_a_suspended_card_leads_to_resuming(bridge_harness: BridgeHarness) -> None:
    async with bridge_harness.open_pc_session() as home:
        person, holder = home.person, home.holder
        await home.activates()
        await holder.suspends(bridge_harness.now)
        asked = len(home.pc.person.consents)
        await home.begins("unlock")
        await bridge_harness.wait_for_text(person, "suspended")
        assert len(home.pc.person.consents) == asked, "nothing is asked on the PC"
        assert bridge_harness.bridge.hub.status(person.person.id).running is None
        assert any("Reactivate" in label for label in person.labels)


async def test_nonsense_at_any_step_costs_nothing(bridge_harness: BridgeHarness) -> None:
    async with bridge_harness.open_pc_session() as home:
        person, pc = home.person, home.pc
        await home.begins_and_is_asked_for_pin()
        for nonsense in ("1234567", "👍", "x" * 4000, "/pairing", "first123"):
            await person.says(nonsense)
        person.sees(phrases.GO_ON_AT_PC)
        pc.person.may_type_pin.set()
        await bridge_harness.wait_for_text(person, phrases.ACTIVATED)
