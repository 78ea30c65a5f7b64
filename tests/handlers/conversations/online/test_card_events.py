"""The link lost, the server restarted, Telegram unreachable: explained in the chat."""

import asyncio
import threading
from collections.abc import Callable
from contextlib import AbstractAsyncContextManager

import pytest
from sqlalchemy.ext.asyncio import AsyncSession
from structlog.testing import CapturingLogger
from telegram.error import BadRequest, Forbidden, NetworkError

from bot import logs
from bot.wiring.bridge import BridgeRuntime
from handlers.card_events import ViewNotDelivered
from handlers.conversations.pair import BRIDGE
from reader_bridge.protocol import FailureCode
from services.bridge.events import (
    BridgeConnected,
    BridgeDisconnected,
    CardTaskFailed,
    CardTaskSucceeded,
    CardTaskUnresolved,
    PinSetResult,
    ServerFailure,
)
from services.bridge.operations.card_task import CardTask
from services.storage.availability import DatabaseUnavailableError
from tests import phrases
from tests.bot_harness import ChatUser
from tests.handlers.captured_updates import (
    deliver_update_in_turn,
    take_button_update,
)
from tests.handlers.conversations.online.bridge_harness import BridgeHarness, button_keys
from tests.handlers.engine.navigation import press, state
from tests.strict_supervisor import strict_supervisor


async def test_the_link_is_lost_and_comes_back(bridge_harness: BridgeHarness) -> None:
    async with bridge_harness.open_pc_session() as home:
        person, pc = home.person, home.pc
        await home.begins_and_is_asked_for_pin()
        chat = person.person.id
        await bridge_harness.deliver(BridgeDisconnected(chat))
        person.sees("Your PC is offline", "reconnects by itself")
        await bridge_harness.deliver(BridgeConnected(chat))
        person.sees(phrases.GO_ON_AT_PC)
        pc.person.may_type_pin.set()
        await bridge_harness.wait_for_text(person, phrases.ACTIVATED)


async def test_an_event_waits_for_a_database_that_is_away(
    bridge_harness: BridgeHarness, monkeypatch: pytest.MonkeyPatch
) -> None:
    async with bridge_harness.open_pc_session() as home:
        person, pc = home.person, home.pc
        await home.begins_and_is_asked_for_pin()
        database = bridge_harness.harness.kaika.database
        begin: Callable[[], AbstractAsyncContextManager[AsyncSession]] = database.reading
        failures: list[int] = []

        def fail_twice() -> AbstractAsyncContextManager[AsyncSession]:
            if len(failures) < 2:
                failures.append(1)
                raise DatabaseUnavailableError("connection was closed")
            return begin()

        monkeypatch.setattr(database, "reading", fail_twice)
        await bridge_harness.deliver(BridgeDisconnected(person.person.id))
        assert len(failures) == 2
        person.sees("Your PC is offline")
        assert not [m for m in person.bot_messages if phrases.OUR_ERROR in m["text"]]
        await bridge_harness.deliver(BridgeConnected(person.person.id))
        pc.person.may_type_pin.set()
        await bridge_harness.wait_for_text(person, phrases.ACTIVATED)


async def test_a_restart_before_the_cryptogram_is_told_and_gone_on_from(
    bridge_harness: BridgeHarness,
) -> None:
    async with bridge_harness.open_pc_session() as home:
        person, pc, holder = home.person, home.pc, home.holder
        await home.begins_and_is_asked_for_pin()
        data, old = bridge_harness.harness.kaika.application.bot_data, bridge_harness.bridge
        restarted = _start_anew(bridge_harness)
        assert data[BRIDGE].hub is restarted.hub
        messages = len(person.messages)
        async with restarted.running(strict_supervisor()):
            await restarted.announce_restart()
            await bridge_harness.wait_for_text(person, "The system restarted")
            assert len(person.messages) == messages + 1, "a new message, since time has passed"
        pc.person.may_type_pin.set()
        data[BRIDGE] = old.event_handler
    assert await holder.certificate_state() == "inactive"


async def test_a_press_that_comes_again_after_a_restart_leaves_one_message_to_follow(
    bridge_harness: BridgeHarness,
) -> None:
    async with bridge_harness.open_pc_session() as home:
        person, pc = home.person, home.pc
        await home.activates()
        pc.person.may_type_pin.clear()
        await person.starts("do-change_pin")
        raw = await take_button_update(person, "yes")
        await deliver_update_in_turn(bridge_harness.harness, raw)
        await bridge_harness.wait_for_text(person, phrases.GO_ON_AT_PC)
        data, old = bridge_harness.harness.kaika.application.bot_data, bridge_harness.bridge
        restarted = _start_anew(bridge_harness)
        messages = len(person.messages)
        async with restarted.running(strict_supervisor()):
            await deliver_update_in_turn(bridge_harness.harness, raw)
            await restarted.announce_restart()
            await bridge_harness.wait_for_text(person, "Your PC is offline")
            assert len(person.messages) == messages
            assert (
                restarted.live_messages.message_id(person.person.id) == (person.last["message_id"])
            )
        pc.person.may_type_pin.set()
        data[BRIDGE] = old.event_handler


def _start_anew(bridge_harness: BridgeHarness) -> BridgeRuntime:
    """Return the bridge server of the next process."""
    kaika = bridge_harness.harness.kaika
    authority = kaika.application.bot_data["services"].authority
    return BridgeRuntime(
        kaika.database, kaika.keys, authority, bridge_harness.origin, kaika.application
    )


@pytest.mark.parametrize("language", ["en", "zh-hant"])
async def test_what_only_the_card_knows_is_explained(
    bridge_harness: BridgeHarness, language: str
) -> None:
    async with bridge_harness.open_pc_session(language) as home:
        person, pc = home.person, home.pc
        await home.begins_and_is_asked_for_pin()
        about = (person.person.id, "op", CardTask.ACTIVATE)
        await bridge_harness.deliver(CardTaskUnresolved(*about, FailureCode.OUTCOME_UNKNOWN))
        person.sees(
            {"en": "We don't know yet if it was set", "zh-hant": "尚無法確認是否完成"}[language]
        )
        assert "ask" in button_keys(person)
        await bridge_harness.deliver(CardTaskFailed(*about, ServerFailure.NOT_DONE))
        person.sees({"en": "its new PIN was not set", "zh-hant": "沒有設定成功"}[language])
        assert "grant" not in (await state(person)).data
        pc.person.may_type_pin.set()


@pytest.mark.parametrize("language", ["en", "zh-hant"])
async def test_a_card_that_was_asked_in_vain_is_asked_again_by_the_button_only(
    bridge_harness: BridgeHarness, language: str
) -> None:
    async with bridge_harness.open_pc_session(language) as home:
        person, pc = home.person, home.pc
        await home.begins_and_is_asked_for_pin()
        about = (person.person.id, "op", CardTask.ACTIVATE)
        await bridge_harness.deliver(CardTaskUnresolved(*about, FailureCode.OUTCOME_UNKNOWN))
        in_vain = CardTaskUnresolved(
            *about, FailureCode.READER_SERVICE_STOPPED, waits_for_person=True
        )
        await bridge_harness.deliver(in_vain)
        again = phrases.ASK_CARD_AGAIN if language == "en" else phrases.ASK_CARD_AGAIN.chinese
        person.sees(again)
        assert "ask" in button_keys(person)
        await bridge_harness.deliver(CardTaskUnresolved(*about, FailureCode.LINK_LOST))
        assert again not in person.last["text"], "after a lost link the card is asked by itself"
        await press(person, "cancel")
        await bridge_harness.deliver(in_vain)
        person.sees({"en": "could not confirm if", "zh-hant": "無法確認新的PIN碼"}[language])
        pc.person.may_type_pin.set()


async def test_a_card_that_is_being_asked_already_is_not_called_idle(
    bridge_harness: BridgeHarness,
) -> None:
    async with bridge_harness.open_pc_session() as home:
        person, pc = home.person, home.pc
        await home.begins_and_is_asked_for_pin()
        about = (person.person.id, "op", CardTask.ACTIVATE)
        await bridge_harness.deliver(CardTaskUnresolved(*about, FailureCode.OUTCOME_UNKNOWN))
        await press(person, "ask")
        person.sees("Activating the card")
        assert phrases.NOTHING_UNDER_WAY not in person.last["text"]
        pc.person.may_type_pin.set()


async def test_an_end_that_comes_when_the_person_is_elsewhere_is_told_apart(
    bridge_harness: BridgeHarness,
) -> None:
    person = bridge_harness.harness.add_user()
    await person.starts("do-pay")
    chat = person.person.id
    await bridge_harness.deliver(CardTaskSucceeded(chat, "op", CardTask.ACTIVATE, PinSetResult()))
    person.sees(phrases.ACTIVATED)
    await bridge_harness.deliver(
        CardTaskFailed(chat, "op", CardTask.UNLOCK, FailureCode.CARD_REMOVED)
    )
    person.sees(phrases.CARD_PULLED_OUT)
    count_before = len(person.bot_messages)
    await bridge_harness.deliver(
        CardTaskFailed(chat, "op", CardTask.CARD_STATUS, FailureCode.TIMED_OUT)
    )
    await bridge_harness.deliver(CardTaskFailed(chat, "op", CardTask.UNLOCK, FailureCode.CANCELLED))
    assert len(person.bot_messages) == count_before, "nobody waits for these"


async def test_a_line_that_fails_shows_it_later(
    bridge_harness: BridgeHarness, monkeypatch: pytest.MonkeyPatch
) -> None:
    person = await _start_card_check(bridge_harness)
    bot = bridge_harness.harness.kaika.application.bot

    async def broken(*_: object, **__: object) -> None:
        raise NetworkError("down")

    chat = person.person.id
    with monkeypatch.context() as patched:
        patched.setattr("handlers.screen.view.Bot.edit_message_text", broken)
        patched.setattr(type(bot), "edit_message_text", broken)
        await bridge_harness.deliver(
            CardTaskFailed(chat, "op", CardTask.CARD_STATUS, FailureCode.CARD_MUTE)
        )
    person.sees("Asking your PC")
    await bridge_harness.deliver(ViewNotDelivered(chat))
    person.sees("The card does not respond")


@pytest.mark.parametrize(
    ("error", "is_told"),
    [(ValueError("mistake"), True), (BadRequest("mistake"), True), (Forbidden("blocked"), False)],
)
async def test_a_mistake_of_ours_while_something_is_shown_is_apologised_for(
    bridge_harness: BridgeHarness, monkeypatch: pytest.MonkeyPatch, error: Exception, is_told: bool
) -> None:
    logs.configure("info", "json", [])  # unlike its default, it prints no locals
    person = await _start_card_check(bridge_harness)
    count_before = len(person.bot_messages)

    async def broken(*_: object) -> None:
        raise error

    with monkeypatch.context() as patched:
        patched.setattr("handlers.card_events.BridgeEventHandler._show", broken)
        await bridge_harness.deliver(BridgeConnected(person.person.id))
    assert len(person.bot_messages) == count_before + is_told
    if is_told:
        person.sees(phrases.OUR_ERROR)


@pytest.mark.parametrize(
    ("error", "logged"),
    [
        (Forbidden("blocked"), ("info", "chat_closed_to_us")),
        (NetworkError("down"), ("warning", "line_failed")),
        (ValueError("mistake"), ("error", "error_outside_an_update")),
    ],
)
async def test_only_a_mistake_of_ours_is_logged_as_an_error(
    bridge_harness: BridgeHarness,
    monkeypatch: pytest.MonkeyPatch,
    error: Exception,
    logged: tuple[str, str],
) -> None:
    person = await _start_card_check(bridge_harness)

    async def broken(*_: object) -> None:
        raise error

    log = CapturingLogger()
    with monkeypatch.context() as patched:
        patched.setattr("bot.updates.error_handler._log", log)
        patched.setattr("handlers.card_events.BridgeEventHandler._show", broken)
        await bridge_harness.deliver(BridgeConnected(person.person.id))
    assert [(call.method_name, call.args[0]) for call in log.calls] == [logged]


async def test_a_bridge_that_is_left_amid_work_gives_the_card_back(
    bridge_harness: BridgeHarness, monkeypatch: pytest.MonkeyPatch
) -> None:
    async with bridge_harness.open_pc_session() as home:
        await home.begins_and_is_asked_for_pin()
        card, begun, goes_on = home.pc.card, asyncio.Event(), threading.Event()
        assert card is not None
        loop, transmit = asyncio.get_running_loop(), card.transmit

        def slow(apdu: bytes | bytearray) -> bytes:
            loop.call_soon_threadsafe(begun.set)
            goes_on.wait()
            return transmit(apdu)

        monkeypatch.setattr(card, "transmit", slow)
        monkeypatch.setattr("reader_bridge.operations.card_thread.CLOSING_SECONDS", None)
        home.pc.person.may_type_pin.set()
        await begun.wait()
        home.pc.task.cancel()
        loop.call_later(0.02, goes_on.set)
        async with asyncio.timeout(5):  # it waits until every connection was given back
            await asyncio.gather(home.pc.task, return_exceptions=True)
        assert not home.pc.reader._connections


async def _start_card_check(bridge_harness: BridgeHarness) -> ChatUser:
    """Bring a person to a card check that never ends."""
    person = bridge_harness.harness.add_user()
    async with bridge_harness.open_pc() as pc:
        await person.says("/pair")
        await press(person, "code")
        await bridge_harness.pair(person, pc)
        await bridge_harness.wait_for_text(person, "Your PC is connected")

        async def start(*_: object) -> str:
            return "op"

        bridge_harness.bridge.hub.start = start  # type: ignore[method-assign, assignment]
        await person.starts("do-card_check")
        await press(person, "go")
    await bridge_harness.harness.settle()
    return person
