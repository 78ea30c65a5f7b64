"""Activating a card from the chat, with the PIN typed on the PC."""

import asyncio

import pytest
from telegram import Update

from reader_bridge.card.secret_buffer import SecretBuffer
from reader_bridge.prompter import ConsentRequest, PairingPeer, PinRequest
from tests import phrases
from tests.handlers.conversations.online.bridge_harness import (
    NEW_PIN,
    PIN,
    WRONG_PIN,
    BridgeHarness,
    PcSession,
    button_keys,
)
from tests.handlers.engine.navigation import press, state

DONE = {"en": phrases.ACTIVATED, "zh-hant": phrases.ACTIVATED.chinese}
CONTINUE = {"en": phrases.GO_ON_AT_PC, "zh-hant": phrases.GO_ON_AT_PC.chinese}
FOUND = {
    "en": ("✓ Card found", "✓ The right card"),
    "zh-hant": ("✓ 已找到卡片", "✓ 卡片正確"),
}
NOT_THEIRS = {
    "en": ("belongs to a different UI No.", "No changes were made"),
    "zh-hant": ("與這個統一證號不符", "未變更任何資料"),
}


@pytest.mark.parametrize("language", ["en", "zh-hant"])
async def test_a_person_activates_their_card(bridge_harness: BridgeHarness, language: str) -> None:
    async with bridge_harness.open_pc_session(language) as home:
        person, pc, holder = home.person, home.pc, home.holder
        await home.begins_and_is_asked_for_pin()
        assert await holder.certificate_state() == "inactive"
        messages = len(person.messages)
        pc.person.may_type_pin.set()
        await bridge_harness.wait_for_text(person, DONE[language])
        assert len(person.messages) == messages, "one message, edited"
        assert pc.tries == 3
        assert pc.person.peers[0].telegram_name == "Mai"
    assert await holder.certificate_state() == "active"


async def test_the_pc_is_connected_once_for_all_that_follows(bridge_harness: BridgeHarness) -> None:
    async with bridge_harness.open_pc_session() as home:
        person, pc = home.person, home.pc
        await home.activates()
        await home.begins("unlock")
        await bridge_harness.wait_for_text(person, phrases.UNLOCKED)
        assert len(pc.person.peers) == 1


@pytest.mark.parametrize("language", ["en", "zh-hant"])
async def test_no_card_is_called_found_before_it_was_looked_at(
    bridge_harness: BridgeHarness, language: str
) -> None:
    async with bridge_harness.open_pc_session(language) as home:
        person, pc = home.person, home.pc
        read = asyncio.Event()
        answer = pc.person.ask_consent

        async def consent(request: ConsentRequest) -> bool:
            await read.wait()
            return await answer(request)

        pc.person.ask_consent = consent  # type: ignore[method-assign]
        await home.begins("activate")
        await bridge_harness.wait_for_text(person, CONTINUE[language])
        messages = len(person.messages)
        assert not any(said in person.last["text"] for said in FOUND[language])
        pc.person.may_type_pin.clear()
        read.set()
        await bridge_harness.wait_for_text(person, CONTINUE[language], *FOUND[language])
        pc.person.may_type_pin.set()
        await bridge_harness.wait_for_text(person, DONE[language])
        assert len(person.messages) == messages, "one message, edited"


async def test_a_card_that_is_put_in_late_is_noticed(bridge_harness: BridgeHarness) -> None:
    async with bridge_harness.open_pc_session() as home:
        person, pc = home.person, home.pc
        pc.reader.pull()
        await home.begins("activate")
        await bridge_harness.wait_for_text(person, "✓ Reader found", phrases.PUT_CARD_IN)
        assert not any(said in person.last["text"] for said in FOUND["en"])
        assert pc.card is not None
        pc.reader.insert(pc.card)
        await bridge_harness.wait_for_text(person, phrases.ACTIVATED)


@pytest.mark.parametrize("language", ["en", "zh-hant"])
async def test_chat_and_pc_agree_all_through_the_first_operation(
    bridge_harness: BridgeHarness, language: str
) -> None:
    """Reading is allowed, the card comes late, and a wrong PIN is typed twice."""
    holder = await bridge_harness.cardholder("posted", PIN)
    person = bridge_harness.harness.add_user("Mai", language)
    tries = {"en": "Attempts left: {}.", "zh-hant": "剩餘次數：{}"}[language]
    put_in = {"en": phrases.PUT_CARD_IN, "zh-hant": phrases.PUT_CARD_IN.chinese}[language]
    async with bridge_harness.open_pc(holder) as pc:
        home = PcSession(bridge_harness, person, pc, holder)
        typed: asyncio.Queue[bytes] = asyncio.Queue()

        async def ask_pin(request: PinRequest) -> SecretBuffer:
            pc.person.pin_requests.append(request)
            return SecretBuffer(await typed.get())

        pc.person.ask_pin = ask_pin  # type: ignore[method-assign]
        pc.reader.pull()
        await home.changes_pin(PIN, NEW_PIN)
        await bridge_harness.wait_for_text(person, put_in)
        messages = len(person.messages)
        assert pc.card is not None
        pc.reader.insert(pc.card)
        await bridge_harness.wait_for_text(person, CONTINUE[language])
        assert put_in not in person.last["text"]
        for left, *pins in ((2, WRONG_PIN, NEW_PIN), (1, WRONG_PIN)):
            for pin in pins:
                typed.put_nowait(pin)
            await bridge_harness.wait_for_text(person, tries.format(left))
        assert len(person.messages) == messages, "one message, edited"
        assert pc.person.pin_requests[-1].tries_left == 1


@pytest.mark.parametrize("language", ["en", "zh-hant"])
async def test_another_persons_card_stays_as_it_is(
    bridge_harness: BridgeHarness, language: str
) -> None:
    holder = await bridge_harness.cardholder("posted")
    other = await bridge_harness.cardholder("posted", seed=2)
    person = bridge_harness.harness.add_user("Mai", language)
    async with bridge_harness.open_pc(other) as pc:
        await bridge_harness.prepare_operation(person, pc, holder, "activate")
        await press(person, "start")
        await bridge_harness.wait_for_text(person, *NOT_THEIRS[language])
        assert "again" in button_keys(person)
        assert pc.person.pin_requests == [], "no PIN is asked for"
        assert [each.for_session for each in pc.person.consents] == [True]
    assert await holder.certificate_state() == "inactive"
    assert await other.certificate_state() == "inactive"


async def test_no_on_the_pc_is_no_and_can_be_taken_up_again(bridge_harness: BridgeHarness) -> None:
    async with bridge_harness.open_pc_session() as home:
        person, pc, holder = home.person, home.pc, home.holder
        await bridge_harness.prepare_operation(person, pc, holder, "activate")
        pc.person.agrees = lambda asked: (
            isinstance(asked, PairingPeer) or _is_session_consent(asked)
        )
        await press(person, "start")
        await bridge_harness.wait_for_text(person, "You declined on your PC")
        assert await holder.certificate_state() == "inactive"
        pc.person.agrees = lambda _: True
        await press(person, "again")
        await bridge_harness.wait_for_text(person, phrases.ACTIVATED)


async def test_a_card_that_is_pulled_is_explained_and_can_go_on(
    bridge_harness: BridgeHarness,
) -> None:
    async with bridge_harness.open_pc_session() as home:
        person, pc = home.person, home.pc
        await home.begins_and_is_asked_for_pin()
        pc.reader.pull()
        pc.person.may_type_pin.set()
        await bridge_harness.wait_for_text(person, phrases.CARD_PULLED_OUT, "PIN has not changed")
        assert pc.card is not None
        pc.reader.insert(pc.card)
        await press(person, "again")
        await bridge_harness.wait_for_text(person, phrases.ACTIVATED)


async def test_cancel_in_the_chat_stops_the_pc(bridge_harness: BridgeHarness) -> None:
    async with bridge_harness.open_pc_session() as home:
        person, pc = home.person, home.pc
        await home.begins_and_is_asked_for_pin()
        await press(person, "cancel")
        await bridge_harness.wait_for_text(person, phrases.STOPPED)
        await bridge_harness.harness.settle()
        assert bridge_harness.bridge.hub.status(person.person.id).running is None
        pc.person.may_type_pin.set()
        await home.begins("activate")
        await bridge_harness.wait_for_text(person, phrases.ACTIVATED)


async def test_questions_and_languages_in_between(bridge_harness: BridgeHarness) -> None:
    async with bridge_harness.open_pc_session() as home:
        person, pc = home.person, home.pc
        await home.begins_and_is_asked_for_pin()
        await person.says("How much does the card cost?")
        person.sees(phrases.GO_ON_AT_PC)
        assert any("278" in m["text"] for m in person.bot_messages[-2:])
        await press(person, "lang-zh_Hant")
        person.sees(phrases.GO_ON_AT_PC.chinese)
        await person.starts("do-pay")
        assert "here" in button_keys(person), "asked before it is left"
        await press(person, "here")
        pc.person.may_type_pin.set()
        await bridge_harness.wait_for_text(person, phrases.ACTIVATED.chinese)


async def test_another_conversation_stops_what_was_under_way(bridge_harness: BridgeHarness) -> None:
    async with bridge_harness.open_pc_session() as home:
        person, holder = home.person, home.holder
        await home.begins_and_is_asked_for_pin()
        await person.starts("do-pay")
        await person.presses(phrases.STOP_AND_START)
        await bridge_harness.harness.settle()
        assert (await state(person)).conversation == "pay"
        assert bridge_harness.bridge.hub.status(person.person.id).running is None
    assert await holder.certificate_state() == "inactive"


async def test_the_same_update_twice_begins_once(bridge_harness: BridgeHarness) -> None:
    harness = bridge_harness.harness
    async with bridge_harness.open_pc_session() as home:
        person, pc, holder = home.person, home.pc, home.holder
        await bridge_harness.prepare_operation(person, pc, holder, "activate")
        pc.person.may_type_pin.clear()
        found = [b for row in person.last["reply_markup"]["inline_keyboard"] for b in row]
        data = next(b["callback_data"] for b in found if b["callback_data"].endswith("start"))
        person.person.press(person.last["message_id"], data, forge=True)
        batch = await harness.updates()
        await harness.kaika.intake.accept(batch)
        await bridge_harness.wait_for_text(person, phrases.GO_ON_AT_PC)
        again = Update.de_json(batch[0], harness.kaika.application.bot)
        await bridge_harness.deliver(again)
        person.sees(phrases.GO_ON_AT_PC)
        pc.person.may_type_pin.set()
        await bridge_harness.wait_for_text(person, phrases.ACTIVATED)
        assert len([c for c in pc.person.consents if not c.for_session]) == 1


async def test_a_card_that_is_active_already_and_a_stale_button(
    bridge_harness: BridgeHarness,
) -> None:
    async with bridge_harness.open_pc_session() as home:
        person, pc, holder = home.person, home.pc, home.holder
        await bridge_harness.prepare_operation(person, pc, holder, "activate")
        old = next(
            b["callback_data"]
            for row in person.last["reply_markup"]["inline_keyboard"]
            for b in row
            if b["callback_data"].endswith("start")
        )
        await press(person, "start")
        await bridge_harness.wait_for_text(person, phrases.ACTIVATED)
        await person.forges(person.last["message_id"], old)
        assert person.toast is not None
        assert phrases.EARLIER_STEP in person.toast
        person.sees(phrases.ACTIVATED)


def _is_session_consent(asked: PairingPeer | ConsentRequest) -> bool:
    return isinstance(asked, ConsentRequest) and asked.for_session
