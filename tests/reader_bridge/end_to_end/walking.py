"""Somebody who follows what the chat offers, whatever happens, until it is done."""

from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from dataclasses import dataclass, field
from datetime import timedelta

from handlers.card.live_messages import LiveMessages
from handlers.card.messages import BUSY, FAILURES
from handlers.card.operation_steps import FAILED, FAILURE, UNRESOLVED_STEP, WORK
from handlers.engine.model import Step as DialogStep
from handlers.engine.model import StepContext
from handlers.engine.rendering import render_text
from handlers.identity.chat_linking import DONE, OFFER
from reader_bridge.protocol import ProgressStep
from services.bridge.hub import Hub
from services.conversations import ConversationState
from tests.chat import Subscriber, plain
from tests.handlers.clock import set_time
from tests.handlers.conversations.online.bridge_stage import (
    BridgeStage,
    PcUser,
    button_keys,
    read_pairing_code,
)
from tests.handlers.conversations.online.cardholders import Cardholder
from tests.handlers.engine.navigation import press, state
from tests.reader_bridge.end_to_end.at_home import KeptCard, Knowing, card_of, is_activated
from tests.reader_bridge.end_to_end.process import Process
from tests.reader_bridge.end_to_end.readers import AnyReader, ServicedReader
from tests.reader_bridge.end_to_end.whole import Whole
from tests.reader_bridge.end_to_end.wire import CountedLink
from tests.reader_bridge.running import Running, running

FIRST = b"first123"
ENDS = {"report", OFFER, DONE}
_MOST_STEPS = 12
_ON = {FAILED: "again", UNRESOLVED_STEP: "ask", "confirm": "start", "unlinked": "again"}
"""Which button leads on from a step."""
_PATIENCE = timedelta(seconds=16)
"""As long as the server waits for the PC's own word on something it was killed in."""


@dataclass
class Walk:
    """A person in the middle of something.

    :ivar told: every explanation they read on their way: the step, and why it failed.
    """

    cards: BridgeStage
    process: Process
    person: Subscriber
    home: Running
    at_pc: Knowing
    reader: AnyReader
    holder: Cardholder
    told: list[str] = field(default_factory=list)

    @property
    def card(self) -> KeptCard:
        """The card they have in hand."""
        return self.at_pc.card

    @property
    def hub(self) -> Hub:
        return self.process.bridge.hub

    @property
    def board(self) -> LiveMessages:
        return self.process.bridge.board

    async def goes_on_to_the_end(self) -> None:
        """Do what the chat offers until it says that it is done."""
        for _ in range(_MOST_STEPS):
            await self.rests()
            here = await state(self.person)
            self._is_explained(here)
            if here.step in ENDS:
                return
            if await self.mend() and here.step == WORK:
                continue
            await self._acts(here)
        raise AssertionError(f"no end: {self.told[-_MOST_STEPS:]}; {self.person.last['text']!r}")

    async def takes_a_new_card(self) -> None:
        """Have a card that came by post, and nothing was done with yet, in the reader."""
        self.at_pc.card.card.close()
        self.holder = await self.cards.cardholder("posted", seed=self.holder.seed + 1)
        self.at_pc.card = card_of(self.holder)
        self.reader.pull()
        await self.reader.put_in_order(self.at_pc.card)

    async def identifies(self, what: str) -> str:
        """Come to where something begins that needs the code; give the button's key."""
        await self.person.starts(f"do-{what}")
        await press(self.person, "go")
        await self.person.says(self.holder.number_and_code)
        return "start"

    async def mend(self) -> bool:
        """Have a reader that works, with the card in it; tell whether that was not so."""
        if self.reader.is_in_order:
            return False
        await self.reader.put_in_order(self.card)
        return True

    async def rests(self) -> None:
        """Wait until nothing happens by itself any more."""
        queue = self.cards.stage.kaika.application.update_queue
        while True:
            await self.cards.wait_until(self._stands_still)
            await queue.join()
            if self.process.is_dead:
                await self.process.is_buried()
                await self.process.begin()
            elif self._stands_still():
                return

    def _stands_still(self) -> bool:
        if self.process.is_dead:
            return True
        chat = self.hub.presence(self.person.person.id)
        if self._waits_for_person():
            return True
        linked = chat.connected or not chat.paired
        return (
            linked
            and not self.home.session._operations.is_running
            and self.process.door.proxy.traffic.is_quiet
        )

    def _waits_for_person(self) -> bool:
        progress = self.board.progress(self.person.person.id)
        step = progress.step if progress else None
        waits = step in (ProgressStep.WAITING_FOR_CARD, ProgressStep.WAITING_FOR_READER)
        return waits and not self.reader.is_in_order

    async def _acts(self, here: ConversationState) -> None:
        keys = button_keys(self.person)
        if here.step in ("who", "code"):
            await self.person.says(self.holder.number_and_code)
        elif here.step == WORK and "again" not in keys:
            await self._waits()
        elif here.data.get(FAILURE) == BUSY and self.told.count(BUSY) == 1:
            await self._waits()
            await press(self.person, "again")
        else:
            await press(self.person, "again" if here.step == WORK else _ON[here.step])

    async def _waits(self) -> None:
        """Let time pass, while the chat says that something is under way."""
        set_time(self.cards.stage, self.cards.now + _PATIENCE)
        await self.hub.tend(self.cards.now)
        await self.cards.stage.settle()

    def _is_explained(self, here: ConversationState) -> None:
        """See that the chat shows the words of where it is, and a way on."""
        stage = self.cards.stage
        step: DialogStep = stage.kaika.application.bot_data["conversations"][
            here.conversation
        ].steps[here.step]
        ctx = StepContext(here.chat_id, here.user_id, "en", None, self.cards.now, here.data)
        words = plain(render_text(step.text, ctx)).strip()
        shown = self.person.last["text"]
        assert words in shown, (here.step, words, shown)
        assert button_keys(self.person), f"no way on from {shown!r}"
        why = here.data[FAILURE] if here.step == FAILED else ""
        assert not why or why in FAILURES, "explained in words of its own"
        self.told.append(why or here.step)


@asynccontextmanager
async def sat_down(whole: Whole, reader: AnyReader | None = None) -> AsyncIterator[Walk]:
    """Have somebody at their PC that is paired with their chat, and their active card in it."""
    reader = reader or ServicedReader()
    cards, person = whole.cards, whole.cards.stage.subscriber()
    holder = await cards.cardholder("posted", FIRST)
    await is_activated(cards, holder)
    at_pc = Knowing(card_of(holder, FIRST))
    await reader.put_in_order(at_pc.card)
    link = CountedLink(whole.proxy)
    async with running(whole.proxy.url, at_pc, reader.readers, link=link) as home:
        walk = Walk(cards, whole.process, person, home, at_pc, reader, holder)
        await pairs(cards, person, at_pc)
        yield walk
    walk.card.card.close()


async def pairs(cards: BridgeStage, person: Subscriber, at_pc: PcUser) -> None:
    """Connect a PC with the chat."""
    await person.says("/pair")
    await press(person, "code")
    at_pc.codes.put_nowait(read_pairing_code(person))
    await cards.wait_until(lambda: "same" in button_keys(person))
    await press(person, "same")
    await cards.wait_for_text(person, "Your PC is connected")
