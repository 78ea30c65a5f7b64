"""Cancelling an operation in the chat: what is said there is what the PC reports."""

import asyncio
import threading
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager

import pytest

from services.bridge.events import CardTaskFailed, ServerFailure
from services.bridge.operations.card_task import CardTask
from tests import phrases
from tests.bot_harness import ChatUser
from tests.handlers.conversations.online.bridge_harness import (
    NEW_PIN,
    PIN,
    BridgeHarness,
    PcSession,
)
from tests.handlers.engine.navigation import press
from tests.phrases import GO_ON_AT_PC

ASKED = {"en": GO_ON_AT_PC, "zh-hant": GO_ON_AT_PC.chinese}
REQUESTED = {"en": "I asked your PC to stop", "zh-hant": "已請電腦停止作業"}
STOPPED = {"en": phrases.STOPPED, "zh-hant": phrases.STOPPED.chinese}
TOO_LATE = {"en": "It was too late to stop: the new PIN is set", "zh-hant": "來不及停止"}


def count_text(person: ChatUser, text: str) -> int:
    """Return in how many messages a text stands now."""
    return len([message for message in person.messages if text in message.get("text", "")])


@asynccontextmanager
async def begin_pin_change(
    bridge_harness: BridgeHarness, language: str
) -> AsyncIterator[PcSession]:
    """Begin to change the PIN of a card, and leave the prompt on the PC open."""
    holder = await bridge_harness.cardholder("posted", PIN)
    person = bridge_harness.harness.add_user("Mai", language)
    async with bridge_harness.open_pc(holder) as pc:
        home = PcSession(bridge_harness, person, pc, holder)
        pc.person.may_type_pin.clear()
        await home.changes_pin(PIN, NEW_PIN)
        await bridge_harness.wait_for_text(person, ASKED[language])
        yield home


@pytest.mark.parametrize("language", ["en", "zh-hant"])
async def test_it_is_stopped_once_the_pc_says_so(
    bridge_harness: BridgeHarness, language: str
) -> None:
    async with begin_pin_change(bridge_harness, language) as home:
        person, hub = home.person, bridge_harness.bridge.hub
        reported = asyncio.get_running_loop().create_future()
        receive, held = hub._services.operation_messages.handle, asyncio.Event()

        async def hold(*message: object) -> None:
            reported.set_result(None)
            await held.wait()
            await receive(*message)  # type: ignore[arg-type]

        hub._services.operation_messages.handle = hold  # type: ignore[method-assign, assignment]
        await press(person, "cancel")
        await reported
        person.sees(REQUESTED[language])
        held.set()
        await bridge_harness.wait_for_text(person, STOPPED[language])
        assert count_text(person, REQUESTED[language]) == 0, "it says how it ended instead"
        assert home.pc.tries == 3


@pytest.mark.parametrize("language", ["en", "zh-hant"])
async def test_a_pin_that_was_being_set_is_told_and_not_called_stopped(
    bridge_harness: BridgeHarness, monkeypatch: pytest.MonkeyPatch, language: str
) -> None:
    async with begin_pin_change(bridge_harness, language) as home:
        person, card, loop = home.person, home.pc.card, asyncio.get_running_loop()
        assert card is not None
        begun, goes_on, transmit = asyncio.Event(), threading.Event(), card.transmit

        def hold(apdu: bytes | bytearray) -> bytes:
            if apdu[1] == 0x24:
                loop.call_soon_threadsafe(begun.set)
                goes_on.wait(10)
            return transmit(apdu)

        monkeypatch.setattr(card, "transmit", hold)
        home.pc.person.may_type_pin.set()
        await begun.wait()
        await press(person, "cancel")
        person.sees(REQUESTED[language])
        goes_on.set()
        await bridge_harness.wait_for_text(person, TOO_LATE[language])
        assert count_text(person, STOPPED[language]) == 0


@pytest.mark.parametrize("language", ["en", "zh-hant"])
async def test_where_the_pc_does_not_answer_nothing_is_claimed(
    bridge_harness: BridgeHarness, language: str
) -> None:
    async with begin_pin_change(bridge_harness, language) as home:
        person = home.person
        unconfirmed = CardTaskFailed(
            person.person.id, "op", CardTask.CHANGE_PIN, ServerFailure.UNCONFIRMED
        )
        await bridge_harness.deliver(unconfirmed)
        person.sees({"en": "could not confirm the result", "zh-hant": "無法確認結果"}[language])
