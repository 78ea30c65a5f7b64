"""A person who follows what the chat offers until an operation has ended, whatever happens."""

from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from dataclasses import dataclass, field
from datetime import timedelta

from handlers.card.live_messages import LiveMessages
from handlers.card.operation_steps import FAILED, FAILURE, UNRESOLVED_STEP, WORK
from handlers.card.operation_texts import BUSY, FAILURES, NEEDS_NEW_CODE
from handlers.engine.model import Step as DialogStep
from handlers.engine.model import StepContext
from handlers.engine.rendering import render_step_text
from handlers.identity.granted_actions import DONE, OFFER
from reader_bridge.protocol import ProgressStep
from services.bridge.hub import Hub
from services.conversations import ConversationState
from tests import phrases
from tests.bot_harness import ChatUser, plain
from tests.handlers.clock import set_time
from tests.handlers.conversations.online.bridge_harness import (
    BridgeHarness,
    PcUser,
    button_keys,
    read_pairing_code,
)
from tests.handlers.conversations.online.cardholders import Cardholder
from tests.handlers.engine.navigation import press, state
from tests.reader_bridge.bridge_runner import RunningBridge, run_test_bridge
from tests.reader_bridge.end_to_end.breakable_readers import BreakableReader, BreakableVirtualReader
from tests.reader_bridge.end_to_end.frame_proxy import CountingConnector
from tests.reader_bridge.end_to_end.server_process import ServerProcess
from tests.reader_bridge.end_to_end.watched_card import (
    PersonWithPin,
    WatchedCard,
    activate,
    open_card_of,
)
from tests.reader_bridge.end_to_end.whole_system import WholeSystem

FIRST = b"first123"
FINAL_STEPS = {"report", OFFER, DONE}
_IDENTITY_STEPS = ("who", "code")
_CODE_ONCE_MORE = ("enter the subscriber code once more", "verify your identity again")
_MAX_STEPS = 12
_NEXT_BUTTON = {FAILED: "again", UNRESOLVED_STEP: "ask", "confirm": "start", "unlinked": "again"}
"""The button that leads on from a step."""
_PATIENCE = timedelta(seconds=16)
"""As long as the server waits for the PC's report on an operation it was killed in."""


@dataclass
class CardWalk:
    """A person in the middle of an operation.

    :ivar explanations: every explanation they read: the step, and why it failed.
    """

    cards: BridgeHarness
    process: ServerProcess
    person: ChatUser
    home: RunningBridge
    prompter: PersonWithPin
    reader: BreakableReader
    holder: Cardholder
    explanations: list[str] = field(default_factory=list)

    @property
    def card(self) -> WatchedCard:
        """The card in their hand."""
        return self.prompter.card

    @property
    def hub(self) -> Hub:
        return self.process.bridge.hub

    @property
    def live_messages(self) -> LiveMessages:
        return self.process.bridge.live_messages

    async def follow_to_end(self) -> None:
        """Do what the chat offers until it says that it is done."""
        for _ in range(_MAX_STEPS):
            await self.wait_idle()
            here = await state(self.person)
            self._check_explanation(here)
            if here.step in FINAL_STEPS:
                return
            if await self.restore_reader() and here.step == WORK:
                continue
            await self._act(here)
        raise AssertionError(
            f"no end: {self.explanations[-_MAX_STEPS:]}; {self.person.last['text']!r}"
        )

    async def take_new_card(self) -> None:
        """Put a card into the reader that came by post and is not activated."""
        self.prompter.card.card.close()
        self.holder = await self.cards.cardholder("posted", seed=self.holder.seed + 1)
        self.prompter.card = open_card_of(self.holder)
        self.reader.pull()
        await self.reader.restore(self.prompter.card)

    async def identify(self, what: str) -> str:
        """Go to a step that needs the code; return the key of its button."""
        await self.person.starts(f"do-{what}")
        await press(self.person, "go")
        await self.person.says(self.holder.number_and_code)
        return "start"

    async def restore_reader(self) -> bool:
        """Restore the reader with the card in it; `False` where it was ready already."""
        if self.reader.is_ready:
            return False
        await self.reader.restore(self.card)
        return True

    async def wait_idle(self) -> None:
        """Wait until nothing happens by itself any more."""
        queue = self.cards.harness.kaika.application.update_queue
        while True:
            await self.cards.wait_until(self._is_idle)
            async with self.hub._chats.lock(self.person.person.id):
                pass  # what the server has received is dealt with
            await queue.join()
            if self.process.is_dead:
                await self.process.wait_cleaned_up()
                await self.process.start()
            elif self._is_idle():
                return

    def _is_idle(self) -> bool:
        if self.process.is_dead:
            return True
        chat = self.hub.status(self.person.person.id)
        if self._waits_for_person():
            return True
        linked = chat.is_connected or not chat.is_paired
        return (
            linked
            and not self.home.session._operations.is_running
            and self.process.hub_counter.proxy.traffic.is_quiet
        )

    def _waits_for_person(self) -> bool:
        progress = self.live_messages.progress(self.person.person.id)
        step = progress.step if progress else None
        waits = step in (ProgressStep.WAITING_FOR_CARD, ProgressStep.WAITING_FOR_READER)
        return waits and not self.reader.is_ready

    async def _act(self, here: ConversationState) -> None:
        keys = button_keys(self.person)
        if here.step in _IDENTITY_STEPS:
            await self.person.says(self.holder.number_and_code)
        elif here.step == WORK and "again" not in keys:
            await self._let_time_pass()
        elif here.data.get(FAILURE) == BUSY and self.explanations.count(BUSY) == 1:
            await self._let_time_pass()
            await press(self.person, "again")
        else:
            await press(self.person, "again" if here.step == WORK else _NEXT_BUTTON[here.step])

    async def _let_time_pass(self) -> None:
        """Let time pass while the chat says that an operation runs."""
        set_time(self.cards.harness, self.cards.now + _PATIENCE)
        await self.hub.check_deadlines(self.cards.now)
        await self.cards.harness.settle()

    def _check_explanation(self, here: ConversationState) -> None:
        """Check that the chat shows the current step, why it asks again, and a way on."""
        harness = self.cards.harness
        step: DialogStep = harness.kaika.application.bot_data["conversations"][
            here.conversation
        ].steps[here.step]
        ctx = StepContext(here.chat_id, here.user_id, "en", None, self.cards.now, here.data)
        words = plain(render_step_text(here, step, ctx)).strip()
        shown = self.person.last["text"]
        assert words in shown, (here.step, words, shown)
        if here.step in _IDENTITY_STEPS:  # the code was typed before, so this is not the first time
            is_announced = self.explanations[-1] in NEEDS_NEW_CODE
            assert is_announced or phrases.ONE_TRY_ON_THE_CARD in shown, f"not why: {shown!r}"
        assert button_keys(self.person), f"no way on from {shown!r}"
        why = here.data[FAILURE] if here.step == FAILED else ""
        assert not why or why in FAILURES, "explained in words of its own"
        if why in NEEDS_NEW_CODE:
            assert any(words in shown for words in _CODE_ONCE_MORE), f"not announced: {shown!r}"
        self.explanations.append(why or here.step)


@asynccontextmanager
async def start_card_walk(
    system: WholeSystem, reader: BreakableReader | None = None
) -> AsyncIterator[CardWalk]:
    """Start with a person whose PC is paired with their chat and who has an active card."""
    reader = reader or BreakableVirtualReader()
    cards, person = system.cards, system.cards.harness.add_user()
    holder = await cards.cardholder("posted", FIRST)
    await activate(cards, holder)
    prompter = PersonWithPin(open_card_of(holder, FIRST))
    await reader.restore(prompter.card)
    link = CountingConnector(system.proxy)
    async with run_test_bridge(system.proxy.url, prompter, reader.readers, connector=link) as home:
        walk = CardWalk(cards, system.process, person, home, prompter, reader, holder)
        await pair(cards, person, prompter)
        yield walk
    walk.card.card.close()


async def pair(cards: BridgeHarness, person: ChatUser, prompter: PcUser) -> None:
    """Pair a PC with the chat."""
    await person.says("/pair")
    await press(person, "code")
    prompter.codes.put_nowait(read_pairing_code(person))
    await cards.wait_until(lambda: "same" in button_keys(person))
    await press(person, "same")
    await cards.wait_for_text(person, "Your PC is connected")
