"""Connecting a PC with the chat."""

import pytest
from sqlalchemy import text

from handlers.card.operation_texts import FAILURES, PAIRING_END_TEXTS, TITLES, failure_text
from handlers.card.pairing_steps import PAIR, PcSetup
from handlers.card_events import PairingCodeAged, ProcessRestarted
from handlers.conversations.pair import BRIDGE, pairing_conversation
from handlers.engine.model import StepContext
from handlers.engine.rendering import render_text
from reader_bridge.protocol import FailureCode
from services.bridge.events import (
    BridgeConnected,
    PairingEndReason,
    PairingFailureReason,
    ServerFailure,
)
from services.bridge.operations.card_task import CardTask
from tests import phrases
from tests.bot_harness import ChatUser
from tests.handlers.clock import NOW, advance_time
from tests.handlers.conversations.online.bridge_harness import (
    BridgeHarness,
    button_keys,
    read_pairing_code,
)
from tests.handlers.engine.navigation import callback_data, press

CONNECTED = {"en": "Your PC is connected", "zh-hant": "您的電腦已與這個聊天室連接"}


@pytest.mark.parametrize("language", ["en", "zh-hant"])
async def test_a_pc_is_connected_and_disconnected(
    bridge_harness: BridgeHarness, language: str
) -> None:
    person = bridge_harness.harness.add_user("Mai", language)
    async with bridge_harness.open_pc() as pc:
        await person.says("/pair")
        await press(person, "code")
        messages = len(person.messages)
        await bridge_harness.pair(person, pc)
        await bridge_harness.wait_for_text(person, CONNECTED[language])
        assert len(person.messages) == messages, "one message, edited"
        assert pc.person.peers[0].host == "127.0.0.1"
        await person.says("/pair")
        person.sees(CONNECTED[language])
        await person.says("/unpair")
        assert not bridge_harness.bridge.hub.status(person.person.id).is_paired
        await person.says("/unpair")
        assert "/pair" in person.bot_messages[-2]["text"], "above the step, which is shown again"


@pytest.mark.parametrize(
    ("language", "gone"), [("en", "PC is disconnected"), ("zh-hant", "已中斷電腦連線")]
)
async def test_a_bridge_that_is_closed_is_not_called_connected_any_more(
    bridge_harness: BridgeHarness, language: str, gone: str
) -> None:
    person = bridge_harness.harness.add_user("Mai", language)
    async with bridge_harness.open_pc() as pc:
        await person.says("/pair")
        await press(person, "code")
        await bridge_harness.pair(person, pc)
        await bridge_harness.wait_for_text(person, CONNECTED[language])
        connected = person.last["message_id"]
    await bridge_harness.wait_for_text(person, gone)
    assert person.last["message_id"] == connected, "edited"
    assert "card_check" not in str(person.last.get("reply_markup"))


async def test_other_words_are_refused_and_nothing_is_connected(
    bridge_harness: BridgeHarness,
) -> None:
    person = bridge_harness.harness.add_user()
    async with bridge_harness.open_pc() as pc:
        await person.says("/pair")
        await press(person, "code")
        await bridge_harness.enter_pairing_code(person, pc)
        await press(person, "other")
        await bridge_harness.wait_for_text(person, "Nothing was connected")
        assert not bridge_harness.bridge.hub.status(person.person.id).is_paired
        await press(person, "code")
        await bridge_harness.pair(person, pc)
        await bridge_harness.wait_for_text(person, "Your PC is connected")


async def test_no_at_the_pc_is_told_in_the_chat(bridge_harness: BridgeHarness) -> None:
    person = bridge_harness.harness.add_user()
    async with bridge_harness.open_pc() as pc:
        pc.person.agrees = lambda _: False
        await person.says("/pair")
        await press(person, "code")
        pc.person.codes.put_nowait(read_pairing_code(person))
        await bridge_harness.wait_for_text(person, "You declined on the PC")


async def test_cancel_while_comparing_refuses(bridge_harness: BridgeHarness) -> None:
    person = bridge_harness.harness.add_user()
    async with bridge_harness.open_pc() as pc:
        await person.says("/pair")
        await press(person, "code")
        await bridge_harness.enter_pairing_code(person, pc)
        await press(person, "cancel")
        await bridge_harness.harness.settle()
        assert bridge_harness.bridge.hub.pairing_words(person.person.id) is None


async def test_the_minutes_count_down_and_the_code_ends(bridge_harness: BridgeHarness) -> None:
    person = bridge_harness.harness.add_user()
    await person.says("/pair")
    await press(person, "code")
    person.sees("Expires in 5 minutes")
    code = read_pairing_code(person)
    advance_time(bridge_harness.harness, minutes=1.5)
    await bridge_harness.deliver(PairingCodeAged(person.person.id))
    person.sees("Expires in 4 minutes")
    advance_time(bridge_harness.harness, minutes=4)
    await bridge_harness.deliver(PairingCodeAged(person.person.id))
    person.sees("The code has expired")
    assert "code" in button_keys(person)
    async with bridge_harness.open_pc() as pc:
        pc.person.codes.put_nowait(code)
        await press(person, "code")
        await bridge_harness.pair(person, pc)
        assert pc.person.problems, "the old code is good no more"


@pytest.mark.parametrize(
    ("language", "told", "before"),
    [
        ("en", "Please wait 15 more minutes", "Type this one"),
        ("zh-hant", "請等 15 分鐘後再試", "請在電腦上"),
    ],
)
async def test_a_pc_whose_network_typed_too_many_wrong_codes_has_to_wait_and_the_chat_says_so(
    bridge_harness: BridgeHarness, language: str, told: str, before: str
) -> None:
    person = bridge_harness.harness.add_user("Mai", language)
    await person.says("/pair")
    await press(person, "code")
    code, shown = read_pairing_code(person), len(person.messages)
    async with bridge_harness.open_pc() as pc:
        for wrong in ("AAAAAAAA", "BBBBBBBB", "CCCCCCCC", "DDDDDDDD", "EEEEEEEE", code):
            pc.person.codes.put_nowait(wrong)
        await bridge_harness.wait_for_text(person, told)
        assert len(person.messages) == shown, "in the message that shows the code"
        assert [problem.wait_seconds for problem in pc.person.problems][-1] is not None
        advance_time(bridge_harness.harness, minutes=15.5)
        await bridge_harness.deliver(PairingCodeAged(person.person.id))
        assert told not in person.last["text"]
        await press(person, "code")
        await bridge_harness.pair(person, pc)


async def test_a_code_asked_for_anew_takes_the_place_of_the_old(
    bridge_harness: BridgeHarness,
) -> None:
    person = bridge_harness.harness.add_user()
    await person.says("/pair")
    await press(person, "code")
    first = read_pairing_code(person)
    await press(person, "new")
    assert read_pairing_code(person) != first
    await person.says("What is a PIN?")
    assert read_pairing_code(person) != first, "shown again below the answer"


async def test_another_pc_takes_the_place_and_that_is_said(bridge_harness: BridgeHarness) -> None:
    person = bridge_harness.harness.add_user()
    async with bridge_harness.open_pc() as first, bridge_harness.open_pc() as second:
        await person.says("/pair")
        await press(person, "code")
        await bridge_harness.pair(person, first)
        await bridge_harness.wait_for_text(person, "Your PC is connected")
        await person.says("/pair")
        await press(person, "another")
        await bridge_harness.pair(person, second)
        await bridge_harness.wait_for_text(person, "connected before is now disconnected")


async def test_a_restart_is_explained_and_the_pairing_goes_on(
    bridge_harness: BridgeHarness,
) -> None:
    person = bridge_harness.harness.add_user()
    await person.says("/pair")
    await press(person, "code")
    bridge_harness.bridge.live_messages._chats.clear()  # what a new process knows
    await bridge_harness.deliver(ProcessRestarted(person.person.id))
    person.sees("The code has expired")
    await press(person, "code")
    async with bridge_harness.open_pc() as pc:
        await bridge_harness.pair(person, pc)
        await bridge_harness.wait_for_text(person, "Your PC is connected")


@pytest.mark.parametrize("by", ["the link", "a button", "the same button again"])
async def test_a_process_that_died_once_both_had_said_yes_leaves_nobody_behind(
    bridge_harness: BridgeHarness, by: str
) -> None:
    person, data = (
        bridge_harness.harness.add_user(),
        bridge_harness.harness.kaika.application.bot_data,
    )
    async with bridge_harness.open_pc() as pc:
        await person.starts("do-card_check")
        await press(person, "go")
        await bridge_harness.enter_pairing_code(person, pc)
        message = person.last["message_id"]
        same = next(data for data in callback_data(person.last) if data.endswith(".same"))
        # the process dies before it handles that they are paired
        handler, data[BRIDGE] = data[BRIDGE], IgnoringEventHandler()
        if by == "the same button again":
            await bridge_harness.bridge.hub.answer_pairing(
                person.person.id, bridge_harness.now, accepted=True
            )
            data[BRIDGE] = handler
            await bridge_harness.harness.settle()
            person.person.press(message, same)
            await bridge_harness.harness.settle()
        else:
            await press(person, "same")
            person.sees("Your PC is connected", "The next step comes in a moment")
            data[BRIDGE] = handler
        if by == "a button":
            await press(person, "on")
        elif by == "the link":
            await bridge_harness.deliver(BridgeConnected(person.person.id))
        await bridge_harness.wait_for_text(person, phrases.PUT_CARD_IN)


class IgnoringEventHandler:
    """Stands for a bridge event handler, and ignores every event."""

    async def on_event(self, _event: object, _context: object) -> None:
        pass


async def test_codes_stand_in_no_table(bridge_harness: BridgeHarness) -> None:
    person = bridge_harness.harness.add_user()
    await person.says("/pair")
    await press(person, "code")
    code = read_pairing_code(person).replace("-", "").upper()
    async with bridge_harness.harness.kaika.database.unit_of_work() as session:
        dialogs = (await session.execute(text("select data from dialogs"))).scalars().all()
    assert not any(code in row or code[:4] in row for row in dialogs)


async def test_in_a_group_it_is_done_in_private(bridge_harness: BridgeHarness) -> None:
    person = bridge_harness.harness.add_user()
    group = bridge_harness.harness.engine.add_group("Friends", [person.person])
    there: ChatUser = person.within(group.id)
    await there.says("/unpair@kaika_demo_bot")
    there.sees("only in our private chat")


def test_every_failure_has_words_in_both_languages() -> None:
    assert set(FAILURES) >= {*FailureCode, *ServerFailure}
    assert set(PAIRING_END_TEXTS) == {*PairingFailureReason, *PairingEndReason}
    assert set(TITLES) == set(CardTask)
    for code in FAILURES:
        english, chinese = failure_text("en", code, "2"), failure_text("zh_Hant", code, "2")
        assert english != chinese
        assert "{" not in english + chinese


@pytest.mark.parametrize("link", [None, "https://kaika.example/download?x=1&y=2"])
async def test_the_chat_says_where_the_bridge_comes_from(
    bridge_harness: BridgeHarness, link: str | None
) -> None:
    setup = PcSetup("wss://kaika.example", link)
    steps = pairing_conversation(
        bridge_harness.bridge.hub, bridge_harness.bridge.live_messages, setup, ()
    )
    (get,) = [each for each in steps.conversation.steps[PAIR].info_buttons if each.key == "get"]
    context = StepContext(1, 1, "en", "en", NOW, {})
    said = render_text(get.text, context)
    assert "kaika-bridge window --server wss://kaika.example" in said
    if link is None:
        assert "pip install" in said
    else:
        assert f'href="{link.replace("&", "&amp;")}"' in said
        assert "pip install" not in said
