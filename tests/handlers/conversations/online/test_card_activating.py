"""Activating a card from the chat, with the PIN typed on the PC."""

import asyncio

import pytest

from reader_bridge.prompter import ConsentRequest, PairingPeer
from tests.handlers.conversations.online.card_stage import CardStage, keys_of
from tests.handlers.engine.walking import press, state

DONE = {"en": "Activated (開卡).", "zh-hant": "已開卡"}
GO_ON = {"en": "Go on at your PC", "zh-hant": "請到電腦上繼續"}
FOUND = {
    "en": ("✓ Card found", "✓ It is the right card"),
    "zh-hant": ("✓ 已找到卡片", "✓ 卡片正確"),
}
NOT_THEIRS = {
    "en": ("does not belong to this UI No.", "Nothing was changed"),
    "zh-hant": ("不屬於這個統一證號", "沒有任何變更"),
}


@pytest.mark.parametrize("language", ["en", "zh-hant"])
async def test_a_person_activates_their_card(cards: CardStage, language: str) -> None:
    async with cards.at_home(language) as home:
        person, pc, holder = home.person, home.pc, home.holder
        await home.is_asked()
        assert await holder.certificate() == "inactive"
        messages = len(person.messages)
        pc.person.free.set()
        await cards.sees(person, DONE[language])
        assert len(person.messages) == messages, "one message, edited"
        assert pc.tries == 3
        assert pc.person.peers[0].telegram_name == "Mai"
    assert await holder.certificate() == "active"


async def test_the_pc_is_connected_once_for_all_that_follows(cards: CardStage) -> None:
    async with cards.at_home() as home:
        person, pc = home.person, home.pc
        await home.activates()
        await home.begins("unlock")
        await cards.sees(person, "Unlocked")
        assert len(pc.person.peers) == 1


@pytest.mark.parametrize("language", ["en", "zh-hant"])
async def test_no_card_is_called_found_before_it_was_looked_at(
    cards: CardStage, language: str
) -> None:
    async with cards.at_home(language) as home:
        person, pc = home.person, home.pc
        read = asyncio.Event()
        answer = pc.person.ask_consent

        async def consent(request: ConsentRequest) -> bool:
            await read.wait()
            return await answer(request)

        pc.person.ask_consent = consent  # type: ignore[method-assign]
        await home.begins("activate")
        await cards.sees(person, GO_ON[language])
        messages = len(person.messages)
        assert not any(said in person.last["text"] for said in FOUND[language])
        pc.person.free.clear()
        read.set()
        await cards.sees(person, GO_ON[language], *FOUND[language])
        pc.person.free.set()
        await cards.sees(person, DONE[language])
        assert len(person.messages) == messages, "one message, edited"


async def test_a_card_that_is_put_in_late_is_noticed(cards: CardStage) -> None:
    async with cards.at_home() as home:
        person, pc = home.person, home.pc
        pc.reader.pull()
        await home.begins("activate")
        await cards.sees(person, "✓ Reader found", "Put the card into the reader")
        assert not any(said in person.last["text"] for said in FOUND["en"])
        assert pc.card is not None
        pc.reader.insert(pc.card)
        await cards.sees(person, "Activated")


@pytest.mark.parametrize("language", ["en", "zh-hant"])
async def test_another_persons_card_stays_as_it_is(cards: CardStage, language: str) -> None:
    holder = await cards.holder("posted")
    other = await cards.holder("posted", seed=2)
    person = cards.stage.subscriber("Mai", language)
    async with cards.pc(other) as pc:
        await cards.brings(person, pc, holder, "activate")
        await press(person, "start")
        await cards.sees(person, *NOT_THEIRS[language])
        assert "again" in keys_of(person)
        assert pc.person.asked == [], "no PIN is asked for"
        assert [each.for_session for each in pc.person.consents] == [True]
    assert await holder.certificate() == "inactive"
    assert await other.certificate() == "inactive"


async def test_no_on_the_pc_is_no_and_can_be_taken_up_again(cards: CardStage) -> None:
    async with cards.at_home() as home:
        person, pc, holder = home.person, home.pc, home.holder
        await cards.brings(person, pc, holder, "activate")
        pc.person.agrees = lambda asked: isinstance(asked, PairingPeer) or _reads(asked)
        await press(person, "start")
        await cards.sees(person, "You said no on your PC")
        assert await holder.certificate() == "inactive"
        pc.person.agrees = lambda _: True
        await press(person, "again")
        await cards.sees(person, "Activated")


async def test_a_card_that_is_pulled_is_explained_and_can_go_on(cards: CardStage) -> None:
    async with cards.at_home() as home:
        person, pc = home.person, home.pc
        await home.is_asked()
        pc.reader.pull()
        pc.person.free.set()
        await cards.sees(person, "The card was pulled out", "The PIN is as it was")
        assert pc.card is not None
        pc.reader.insert(pc.card)
        await press(person, "again")
        await cards.sees(person, "Activated")


async def test_cancel_in_the_chat_stops_the_pc(cards: CardStage) -> None:
    async with cards.at_home() as home:
        person, pc = home.person, home.pc
        await home.is_asked()
        await press(person, "cancel")
        await cards.sees(person, "I stopped")
        await cards.stage.settle()
        assert cards.bridge.hub.status(person.person.id).running is None
        pc.person.free.set()
        await home.begins("activate")
        await cards.sees(person, "Activated")


async def test_questions_and_languages_in_between(cards: CardStage) -> None:
    async with cards.at_home() as home:
        person, pc = home.person, home.pc
        await home.is_asked()
        await person.says("How much does the card cost?")
        person.sees("Go on at your PC")
        assert any("278" in m["text"] for m in person.heard[-2:])
        await press(person, "lang-zh_Hant")
        person.sees("請到電腦上繼續")
        await person.starts("do-pay")
        assert "here" in keys_of(person), "asked before it is left"
        await press(person, "here")
        pc.person.free.set()
        await cards.sees(person, "已開卡")


async def test_another_conversation_stops_what_was_under_way(cards: CardStage) -> None:
    async with cards.at_home() as home:
        person, holder = home.person, home.holder
        await home.is_asked()
        await person.starts("do-pay")
        await person.presses("Stop it and start")
        await cards.stage.settle()
        assert (await state(person)).conversation == "pay"
        assert cards.bridge.hub.status(person.person.id).running is None
    assert await holder.certificate() == "inactive"


async def test_the_same_update_twice_begins_once(cards: CardStage) -> None:
    stage = cards.stage
    async with cards.at_home() as home:
        person, pc, holder = home.person, home.pc, home.holder
        await cards.brings(person, pc, holder, "activate")
        pc.person.free.clear()
        found = [b for row in person.last["reply_markup"]["inline_keyboard"] for b in row]
        data = next(b["callback_data"] for b in found if b["callback_data"].endswith("start"))
        person.person.press(person.last["message_id"], data, forge=True)
        batch = await stage.updates()
        await stage.kaika.intake.accept(batch)
        await cards.sees(person, "Go on at your PC")
        from telegram import Update

        again = Update.de_json(batch[0], stage.kaika.application.bot)
        stage.kaika.application.update_queue.put_nowait(again)
        await stage.kaika.application.update_queue.join()
        person.sees("Go on at your PC")
        pc.person.free.set()
        await cards.sees(person, "Activated")
        assert len([c for c in pc.person.consents if not c.for_session]) == 1


async def test_a_card_that_is_active_already_and_a_stale_button(cards: CardStage) -> None:
    async with cards.at_home() as home:
        person, pc, holder = home.person, home.pc, home.holder
        await cards.brings(person, pc, holder, "activate")
        old = next(
            b["callback_data"]
            for row in person.last["reply_markup"]["inline_keyboard"]
            for b in row
            if b["callback_data"].endswith("start")
        )
        await press(person, "start")
        await cards.sees(person, "Activated")
        await person.forges(person.last["message_id"], old)
        assert person.toast is not None
        assert "earlier step" in person.toast
        person.sees("Activated")


def _reads(asked: PairingPeer | ConsentRequest) -> bool:
    return isinstance(asked, ConsentRequest) and asked.for_session
