"""Connecting a PC with the chat."""

from dataclasses import replace
from datetime import timedelta

import pytest
from sqlalchemy import text

from handlers.card.messages import FAILURES, PAIRING_END_TEXTS, TITLES, failure_text
from handlers.card_events import PairingCodeAged, ProcessRestarted
from handlers.conversations.pair import BRIDGE
from reader_bridge.protocol import FailureCode
from services.bridge.events import (
    BridgeConnected,
    PairingEndReason,
    PairingFailureReason,
    ServerFailure,
)
from services.bridge.operations.task import CardTask
from tests.chat import Subscriber
from tests.handlers.conversations.online.card_stage import CardStage, keys_of, shown_code
from tests.handlers.engine.walking import data_of, press

CONNECTED = {"en": "Your PC is connected", "zh-hant": "您的電腦已與本聊天室連接"}


def passes(cards: CardStage, minutes: float) -> None:
    """Let time pass for the whole bot."""
    data = cards.stage.kaika.application.bot_data
    now = data["services"].now()
    data["services"] = replace(data["services"], now=lambda: now + timedelta(minutes=minutes))


async def happens(cards: CardStage, event: object) -> None:
    queue = cards.stage.kaika.application.update_queue
    queue.put_nowait(event)
    await queue.join()


@pytest.mark.parametrize("language", ["en", "zh-hant"])
async def test_a_pc_is_connected_and_disconnected(cards: CardStage, language: str) -> None:
    person = cards.stage.subscriber("Mai", language)
    async with cards.pc() as pc:
        await person.says("/pair")
        await press(person, "code")
        messages = len(person.messages)
        await cards.pairs(person, pc)
        await cards.sees(person, CONNECTED[language])
        assert len(person.messages) == messages, "one message, edited"
        assert pc.person.peers[0].host == "127.0.0.1"
        await person.says("/pair")
        person.sees(CONNECTED[language])
        await person.says("/unpair")
        assert not cards.bridge.hub.status(person.person.id).is_paired
        await person.says("/unpair")
        assert "/pair" in person.heard[-2]["text"], "above the step, which is shown again"


@pytest.mark.parametrize(
    ("language", "gone"), [("en", "PC is disconnected"), ("zh-hant", "已中斷與電腦的連線")]
)
async def test_a_bridge_that_is_closed_is_not_called_connected_any_more(
    cards: CardStage, language: str, gone: str
) -> None:
    person = cards.stage.subscriber("Mai", language)
    async with cards.pc() as pc:
        await person.says("/pair")
        await press(person, "code")
        await cards.pairs(person, pc)
        await cards.sees(person, CONNECTED[language])
        connected = person.last["message_id"]
    await cards.sees(person, gone)
    assert person.last["message_id"] == connected, "edited"
    assert "card_check" not in str(person.last.get("reply_markup"))


async def test_other_words_are_refused_and_nothing_is_connected(cards: CardStage) -> None:
    person = cards.stage.subscriber()
    async with cards.pc() as pc:
        await person.says("/pair")
        await press(person, "code")
        await cards.offers(person, pc)
        await press(person, "other")
        await cards.sees(person, "Nothing was connected")
        assert not cards.bridge.hub.status(person.person.id).is_paired
        await press(person, "code")
        await cards.pairs(person, pc)
        await cards.sees(person, "Your PC is connected")


async def test_no_at_the_pc_is_told_in_the_chat(cards: CardStage) -> None:
    person = cards.stage.subscriber()
    async with cards.pc() as pc:
        pc.person.agrees = lambda _: False
        await person.says("/pair")
        await press(person, "code")
        pc.person.codes.put_nowait(shown_code(person))
        await cards.sees(person, "On the PC you said no")


async def test_cancel_while_comparing_refuses(cards: CardStage) -> None:
    person = cards.stage.subscriber()
    async with cards.pc() as pc:
        await person.says("/pair")
        await press(person, "code")
        await cards.offers(person, pc)
        await press(person, "cancel")
        await cards.stage.settle()
        assert cards.bridge.hub.pairing_words(person.person.id) is None


async def test_the_minutes_count_down_and_the_code_ends(cards: CardStage) -> None:
    person = cards.stage.subscriber()
    await person.says("/pair")
    await press(person, "code")
    person.sees("for 5 more min")
    code = shown_code(person)
    passes(cards, 1.5)
    await happens(cards, PairingCodeAged(person.person.id))
    person.sees("for 4 more min")
    passes(cards, 4)
    await happens(cards, PairingCodeAged(person.person.id))
    person.sees("No code is shown")
    assert "code" in keys_of(person)
    async with cards.pc() as pc:
        pc.person.codes.put_nowait(code)
        await press(person, "code")
        await cards.pairs(person, pc)
        assert pc.person.problems, "the old code is good no more"


async def test_a_code_asked_for_anew_takes_the_place_of_the_old(cards: CardStage) -> None:
    person = cards.stage.subscriber()
    await person.says("/pair")
    await press(person, "code")
    first = shown_code(person)
    await press(person, "new")
    assert shown_code(person) != first
    await person.says("What is a PIN?")
    assert shown_code(person) != first, "shown again below the answer"


async def test_another_pc_takes_the_place_and_that_is_said(cards: CardStage) -> None:
    person = cards.stage.subscriber()
    async with cards.pc() as first, cards.pc() as second:
        await person.says("/pair")
        await press(person, "code")
        await cards.pairs(person, first)
        await cards.sees(person, "Your PC is connected")
        await person.says("/pair")
        await press(person, "another")
        await cards.pairs(person, second)
        await cards.sees(person, "connected before is disconnected now")


async def test_a_restart_is_explained_and_the_pairing_goes_on(cards: CardStage) -> None:
    person = cards.stage.subscriber()
    await person.says("/pair")
    await press(person, "code")
    cards.bridge.live_messages._chats.clear()  # what a new process knows
    await happens(cards, ProcessRestarted(person.person.id))
    person.sees("No code is shown")
    await press(person, "code")
    async with cards.pc() as pc:
        await cards.pairs(person, pc)
        await cards.sees(person, "Your PC is connected")


@pytest.mark.parametrize("by", ["the link", "a button", "the same button again"])
async def test_a_process_that_died_once_both_had_said_yes_leaves_nobody_behind(
    cards: CardStage, by: str
) -> None:
    person, data = cards.stage.subscriber(), cards.stage.kaika.application.bot_data
    async with cards.pc() as pc:
        await person.starts("do-card_check")
        await press(person, "go")
        await cards.offers(person, pc)
        message = person.last["message_id"]
        same = next(data for data in data_of(person.last) if data.endswith(".same"))
        desk, data[BRIDGE] = data[BRIDGE], Deaf()  # it dies before it hears that they are paired
        if by == "the same button again":
            await cards.bridge.hub.answer_pairing(person.person.id, cards.now, accepted=True)
            data[BRIDGE] = desk
            await cards.stage.settle()
            person.person.press(message, same)
            await cards.stage.settle()
        else:
            await press(person, "same")
            person.sees("Your PC is connected", "It goes on by itself")
            data[BRIDGE] = desk
        if by == "a button":
            await press(person, "on")
        elif by == "the link":
            await happens(cards, BridgeConnected(person.person.id))
        await cards.sees(person, "Put the card into the reader")


class Deaf:
    """Hears nothing of the bridge."""

    async def on_event(self, _event: object, _context: object) -> None:
        """Hear of something."""


async def test_codes_stand_in_no_table(cards: CardStage) -> None:
    person = cards.stage.subscriber()
    await person.says("/pair")
    await press(person, "code")
    code = shown_code(person).replace("-", "").upper()
    async with cards.stage.kaika.database.unit_of_work() as session:
        dialogs = (await session.execute(text("select data from dialogs"))).scalars().all()
    assert not any(code in row or code[:4] in row for row in dialogs)


async def test_in_a_group_it_is_done_in_private(cards: CardStage) -> None:
    person = cards.stage.subscriber()
    group = cards.stage.engine.add_group("Friends", [person.person])
    there: Subscriber = person.within(group.id)
    await there.says("/unpair@kaika_demo_bot")
    there.sees("private chat only")


def test_every_failure_has_words_in_both_languages() -> None:
    assert set(FAILURES) >= {*FailureCode, *ServerFailure}
    assert set(PAIRING_END_TEXTS) == {*PairingFailureReason, *PairingEndReason}
    assert set(TITLES) == set(CardTask)
    for code in FAILURES:
        english, chinese = failure_text("en", code, "2"), failure_text("zh_Hant", code, "2")
        assert english != chinese
        assert "{" not in english + chinese
