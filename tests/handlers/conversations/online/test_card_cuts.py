"""The link lost, the server started anew, the line to Telegram down: explained in the chat."""

import asyncio
import threading

import pytest
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
    OperationFailed,
    OperationSucceeded,
    OperationUnresolved,
    PinSetResult,
    ServerFailure,
)
from services.bridge.operations.task import CardTask
from tests.chat import Subscriber
from tests.handlers.conversations.online.card_stage import CardStage, keys_of
from tests.handlers.engine.walking import press, state


async def happens(cards: CardStage, *events: object) -> None:
    queue = cards.stage.kaika.application.update_queue
    for event in events:
        queue.put_nowait(event)
    await queue.join()


async def test_the_link_is_lost_and_comes_back(cards: CardStage) -> None:
    async with cards.at_home() as home:
        person, pc = home.person, home.pc
        await home.is_asked()
        chat = person.person.id
        await happens(cards, BridgeDisconnected(chat))
        person.sees("The link to your PC is lost", "comes back by itself")
        await happens(cards, BridgeConnected(chat))
        person.sees("Go on at your PC")
        pc.person.free.set()
        await cards.sees(person, "Activated")


async def test_a_restart_before_the_cryptogram_is_told_and_gone_on_from(cards: CardStage) -> None:
    async with cards.at_home() as home:
        person, pc, holder = home.person, home.pc, home.holder
        await home.is_asked()
        kaika, old = cards.stage.kaika, cards.bridge
        data = kaika.application.bot_data
        anew = BridgeRuntime(
            kaika.database, kaika.keys, data["services"].authority, cards.origin, kaika.application
        )
        data["conversations"] = {**data["conversations"], **anew.conversations()}
        assert data[BRIDGE].hub is anew.hub
        messages = len(person.messages)
        async with anew.running():
            await cards.sees(person, "I was started anew")
            assert len(person.messages) == messages + 1, "a new message, since time has passed"
        pc.person.free.set()
        data[BRIDGE] = old.event_handler
    assert await holder.certificate() == "inactive"


@pytest.mark.parametrize("language", ["en", "zh-hant"])
async def test_what_only_the_card_knows_is_explained(cards: CardStage, language: str) -> None:
    async with cards.at_home(language) as home:
        person, pc = home.person, home.pc
        await home.is_asked()
        about = (person.person.id, "op", CardTask.ACTIVATE)
        await happens(cards, OperationUnresolved(*about, FailureCode.OUTCOME_UNKNOWN))
        person.sees({"en": "The new PIN may be set or not", "zh-hant": "只有卡片知道"}[language])
        assert "ask" in keys_of(person)
        await happens(cards, OperationFailed(*about, ServerFailure.NOT_DONE))
        person.sees({"en": "its new PIN was not set", "zh-hant": "沒有設定成功"}[language])
        assert "grant" not in (await state(person)).data
        pc.person.free.set()


async def test_a_card_that_is_being_asked_already_is_not_called_idle(cards: CardStage) -> None:
    async with cards.at_home() as home:
        person, pc = home.person, home.pc
        await home.is_asked()
        about = (person.person.id, "op", CardTask.ACTIVATE)
        await happens(cards, OperationUnresolved(*about, FailureCode.OUTCOME_UNKNOWN))
        await press(person, "ask")
        person.sees("Activating the card")
        assert "Nothing is under way" not in person.last["text"]
        pc.person.free.set()


async def test_an_end_that_comes_when_the_person_is_elsewhere_is_told_apart(
    cards: CardStage,
) -> None:
    person = cards.stage.subscriber()
    await person.starts("do-pay")
    chat = person.person.id
    await happens(cards, OperationSucceeded(chat, "op", CardTask.ACTIVATE, PinSetResult()))
    person.sees("The card is activated")
    await happens(cards, OperationFailed(chat, "op", CardTask.UNLOCK, FailureCode.CARD_REMOVED))
    person.sees("The card was pulled out")
    heard = len(person.heard)
    await happens(cards, OperationFailed(chat, "op", CardTask.CARD_STATUS, FailureCode.TIMED_OUT))
    await happens(cards, OperationFailed(chat, "op", CardTask.UNLOCK, FailureCode.CANCELLED))
    assert len(person.heard) == heard, "nobody waits for these"


async def test_a_line_that_fails_shows_it_later(
    cards: CardStage, monkeypatch: pytest.MonkeyPatch
) -> None:
    person = await _looking(cards)
    bot = cards.stage.kaika.application.bot

    async def broken(*_: object, **__: object) -> None:
        raise NetworkError("down")

    chat = person.person.id
    with monkeypatch.context() as patched:
        patched.setattr("handlers.screen.view.Bot.edit_message_text", broken)
        patched.setattr(type(bot), "edit_message_text", broken)
        await happens(
            cards, OperationFailed(chat, "op", CardTask.CARD_STATUS, FailureCode.CARD_MUTE)
        )
    person.sees("I ask your PC")
    await happens(cards, ViewNotDelivered(chat))
    person.sees("The card does not answer")


@pytest.mark.parametrize(
    ("error", "is_told"),
    [(ValueError("mistake"), True), (BadRequest("mistake"), True), (Forbidden("blocked"), False)],
)
async def test_a_mistake_of_ours_while_something_is_shown_is_apologised_for(
    cards: CardStage, monkeypatch: pytest.MonkeyPatch, error: Exception, is_told: bool
) -> None:
    logs.configure("info", "json", [])  # unlike its default, it prints no locals
    person = await _looking(cards)
    heard = len(person.heard)

    async def broken(*_: object) -> None:
        raise error

    with monkeypatch.context() as patched:
        patched.setattr("handlers.card_events.BridgeEventHandler._show", broken)
        await happens(cards, BridgeConnected(person.person.id))
    assert len(person.heard) == heard + is_told
    if is_told:
        person.sees("Sorry, something went wrong on our side")


@pytest.mark.parametrize(
    ("error", "logged"),
    [
        (Forbidden("blocked"), ("info", "chat_closed_to_us")),
        (NetworkError("down"), ("warning", "line_failed")),
        (ValueError("mistake"), ("error", "error_outside_an_update")),
    ],
)
async def test_only_a_mistake_of_ours_is_logged_as_an_error(
    cards: CardStage,
    monkeypatch: pytest.MonkeyPatch,
    error: Exception,
    logged: tuple[str, str],
) -> None:
    person = await _looking(cards)

    async def broken(*_: object) -> None:
        raise error

    log = CapturingLogger()
    with monkeypatch.context() as patched:
        patched.setattr("bot.updates.error_handler._log", log)
        patched.setattr("handlers.card_events.BridgeEventHandler._show", broken)
        await happens(cards, BridgeConnected(person.person.id))
    assert [(call.method_name, call.args[0]) for call in log.calls] == [logged]


async def test_a_bridge_that_is_left_amid_work_gives_the_card_back(
    cards: CardStage, monkeypatch: pytest.MonkeyPatch
) -> None:
    async with cards.at_home() as home:
        await home.is_asked()
        card, begun, goes_on = home.pc.card, asyncio.Event(), threading.Event()
        assert card is not None
        loop, transmit = asyncio.get_running_loop(), card.transmit

        def slow(apdu: bytes | bytearray) -> bytes:
            loop.call_soon_threadsafe(begun.set)
            goes_on.wait()
            return transmit(apdu)

        monkeypatch.setattr(card, "transmit", slow)
        monkeypatch.setattr("reader_bridge.operations.card_thread.CLOSING_SECONDS", None)
        home.pc.person.free.set()
        await begun.wait()
        home.pc.task.cancel()
        loop.call_later(0.02, goes_on.set)
        async with asyncio.timeout(5):  # it waits until every connection was given back
            await asyncio.gather(home.pc.task, return_exceptions=True)
        assert not home.pc.reader._connections


async def _looking(cards: CardStage) -> Subscriber:
    """Give somebody who waits for their card to be looked at."""
    person = cards.stage.subscriber()
    async with cards.pc() as pc:
        await person.says("/pair")
        await press(person, "code")
        await cards.pairs(person, pc)
        await cards.sees(person, "Your PC is connected")

        async def begun(*_: object) -> str:
            return "op"

        cards.bridge.hub.start = begun  # type: ignore[method-assign, assignment]
        await person.starts("do-card_check")
        await press(person, "go")
    await cards.stage.settle()
    return person
