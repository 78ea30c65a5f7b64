"""What a chat is told of an operation that was stopped is true, whatever the PC did meanwhile."""

from dataclasses import dataclass
from typing import Self

import pytest

from reader_bridge.protocol import FailureCode
from services.bridge.events import (
    CardTaskEvent,
    CardTaskFailed,
    CardTaskProgressed,
    CardTaskSucceeded,
    ServerFailure,
)
from services.bridge.interface import CancelResult
from services.bridge.operations.card_task import CardTask
from tests.services.authority.authority_harness import CHAT, Applicant
from tests.services.bridge.hostile_bridge import make_active_card
from tests.services.bridge.hub_harness import HubHarness
from tests.services.bridge.reference_bridge import ReferenceBridge
from tests.services.bridge.reference_card import ReferenceCard
from tests.services.bridge.wire_format import Message

MOMENTS = ("started", "asked", "changed", "reported")
CardHolder = tuple[Applicant, ReferenceCard]
UNCERTAIN = {FailureCode.OUTCOME_UNKNOWN, ServerFailure.UNCONFIRMED}


class StoppableBridge(ReferenceBridge):
    """Its person types when the test says so. Stopped, it reports what the card did.

    :ivar is_changed: the card has its new PIN, by the old one or by the PUK.
    """

    is_changed = False

    async def _do_change_pin(self, _: Message) -> None:
        await self._asks("waiting_for_person")

    async def _do_set_pin(self, _: Message) -> None:
        await self._asks("waiting_for_person")

    async def stops(self, code: str) -> None:
        """Report the end of what runs."""
        assert self.running is not None
        if not self.is_changed:
            await self._ends("failure", code=code, values={})
            return
        wanted, value = self.running["parameters"], {"card_serial": self.card_serial}
        if self.running["operation"] == "set_pin":
            value = self.receipt("set_pin", wanted)
        await self._ends("result", value=value)

    async def _on_cancel(self, message: Message) -> None:
        if self._is_about_running(message):
            await self.stops("cancelled")

    async def _on_unpaired(self, message: Message) -> None:
        if self.running is not None:
            await self.stops("cancelled")
        await super()._on_unpaired(message)

    async def _after_restart(self) -> None:
        if self.running is not None:
            await self.stops("link_lost")
        elif self.last is not None:
            await self.says(**self.last)

    @property
    def card_serial(self) -> str:
        assert self.card is not None
        return self.card.serial


@dataclass
class StopScenario:
    """An operation of a chat that has come as far as a moment, and is about to be stopped."""

    harness: HubHarness
    chat: int
    pc: StoppableBridge

    @classmethod
    async def reach(
        cls, harness: HubHarness, holder: CardHolder, task: CardTask, moment: str, chat: int
    ) -> Self:
        pc = StoppableBridge(harness, holder[1], f"192.0.2.{chat % 250}")
        await pc.dials()
        await harness.pairs(pc, chat)
        grant = await harness.grant(holder[0], task, chat) if task.purpose else None
        await harness.hub.start(chat, task, harness.now, grant)
        if moment != "started":
            await pc.works()
        pc.is_changed = moment in ("changed", "reported")
        if moment == "reported":
            await pc.stops("")
        return cls(harness, chat, pc)

    def check(self, about: str, *, may_be_silent: bool) -> None:
        """Check that the chat has heard the truth, if need be again after a restart."""
        words = [
            event
            for event in self.harness.events_of(CardTaskEvent)
            if event.chat_id == self.chat and not isinstance(event, CardTaskProgressed)
        ]
        assert words, about
        assert self.harness.hub.status(self.chat).running is None, about
        for word in words:
            if isinstance(word, CardTaskSucceeded):
                assert self.pc.is_changed, about
                continue
            assert isinstance(word, CardTaskFailed)
            is_certain = word.code not in UNCERTAIN
            assert not (self.pc.is_changed and is_certain), about
            assert is_certain or may_be_silent, about

    # ---- what can end an operation

    async def cancel(self) -> None:
        await self.harness.hub.cancel(self.chat, self.harness.now)
        await self.pc.works()

    async def cancel_without_link(self) -> None:
        await self.pc.loses_link()
        await self.harness.hub.cancel(self.chat, self.harness.now)
        await self.harness.passes(seconds=30)
        await self.pc.dials()
        await self.pc.works()

    async def cancel_while_pc_hangs(self) -> None:
        await self.harness.hub.cancel(self.chat, self.harness.now)
        await self.harness.passes(seconds=21)

    async def cancel_and_unpair(self) -> None:
        await self.harness.hub.cancel(self.chat, self.harness.now)
        await self.unpair()

    async def cancel_and_restart(self) -> None:
        await self.harness.hub.cancel(self.chat, self.harness.now)
        await self.restart()

    async def unpair(self) -> None:
        await self.harness.hub.unpair(self.chat, self.harness.now)
        await self.pc.works()

    async def unpair_without_link(self) -> None:
        await self.pc.loses_link()
        await self.harness.hub.unpair(self.chat, self.harness.now)

    async def replace(self) -> None:
        another = ReferenceBridge(self.harness, None, f"198.51.100.{self.chat % 250}")
        await another.dials()
        await self.harness.pairs(another, self.chat)
        await self.pc.works()

    async def lose_link(self) -> None:
        await self.pc.loses_link()
        await self.harness.passes(seconds=61)
        if self.pc.running is not None:
            await self.pc.stops("link_lost")
        await self.pc.dials()
        await self.pc.works()

    async def kill_app(self) -> None:
        await self.pc.loses_link()
        await self.harness.passes(seconds=61)

    async def close_app(self) -> None:
        if self.pc.running is not None:
            await self.pc.stops("cancelled")
        await self.pc.says("bye", reason="closed")

    async def close_app_without_report(self) -> None:
        await self.pc.says("bye", reason="closed")

    async def restart(self) -> None:
        self.pc.wire = None
        await self.harness.restart()
        await self.pc.dials()
        await self.pc.works()
        await self.harness.passes(seconds=21)

    async def restart_without_pc(self) -> None:
        self.pc.wire = None
        await self.harness.restart()
        await self.harness.passes(seconds=61)

    async def take_too_long(self) -> None:
        await self.harness.passes(minutes=6)
        await self.pc.works()


ENDS = {
    StopScenario.cancel: False,
    StopScenario.cancel_without_link: False,
    StopScenario.cancel_while_pc_hangs: True,
    StopScenario.cancel_and_unpair: False,
    StopScenario.cancel_and_restart: False,
    StopScenario.unpair: False,
    StopScenario.unpair_without_link: True,
    StopScenario.replace: False,
    StopScenario.lose_link: True,
    StopScenario.kill_app: True,
    StopScenario.close_app: False,
    StopScenario.close_app_without_report: True,
    StopScenario.restart: False,
    StopScenario.restart_without_pc: True,
    StopScenario.take_too_long: False,
}
"""Each with whether the PC may be unable to report what it did."""


@pytest.mark.parametrize("task", [CardTask.CHANGE_PIN, CardTask.UNLOCK])
async def test_what_is_told_of_an_operation_that_was_stopped_is_true(
    harness: HubHarness, task: CardTask
) -> None:
    holder, chat = await make_active_card(harness), CHAT
    for end, may_be_silent in ENDS.items():
        for moment in MOMENTS:
            chat += 1
            scenario = await StopScenario.reach(harness, holder, task, moment, chat)
            await end(scenario)
            scenario.check(f"{end.__name__} when {moment}", may_be_silent=may_be_silent)
            await harness.hub.unpair(chat, harness.now)
            await harness.acknowledge_ends()


async def test_a_cancel_says_whether_the_operation_is_over(harness: HubHarness) -> None:
    holder = await make_active_card(harness)
    pc = (await StopScenario.reach(harness, holder, CardTask.CHANGE_PIN, "asked", CHAT)).pc
    assert await harness.hub.cancel(CHAT, harness.now) is CancelResult.REQUESTED
    assert await harness.hub.cancel(CHAT, harness.now) is CancelResult.REQUESTED
    await pc.works()
    assert await harness.hub.cancel(CHAT, harness.now) is CancelResult.NOTHING_RUNNING
    (word,) = harness.events_of(CardTaskFailed)
    assert (word.code, word.is_cancelled) == (FailureCode.CANCELLED, True)
    await harness.hub.start(CHAT, CardTask.PROVE_POSSESSION, harness.now)
    assert await harness.hub.cancel(CHAT, harness.now) is CancelResult.CANCELLED
