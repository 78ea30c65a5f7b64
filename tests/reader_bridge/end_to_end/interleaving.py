"""A person, their PC and their card, on which operations run with something done at a moment."""

import asyncio
import json
from collections.abc import AsyncIterator, Callable, Mapping
from contextlib import AsyncExitStack, asynccontextmanager, suppress
from dataclasses import dataclass, field
from datetime import timedelta
from enum import Enum

from handlers.card.operation_steps import WORK
from handlers.engine.transitions import CANCEL
from reader_bridge.client.websocket import ServerConnection
from reader_bridge.protocol.messages import SERVER_MESSAGES
from reader_bridge.virtual_card.card import VirtualCard
from services.bridge.operations.card_task import CardTask
from services.bridge.sessions import HubSession
from tests import phrases
from tests.bot_harness import Json
from tests.handlers.clock import set_time
from tests.handlers.conversations.online.bridge_harness import (
    PASSPHRASE,
)
from tests.handlers.conversations.online.cardholders import Cardholder
from tests.handlers.engine.navigation import callback_data, press, step_keys, step_message
from tests.patience import PATIENCE
from tests.reader_bridge.bridge_runner import run_test_bridge
from tests.reader_bridge.end_to_end.breakable_readers import BreakableVirtualReader
from tests.reader_bridge.end_to_end.card_walk import FIRST, CardWalk, pair
from tests.reader_bridge.end_to_end.faults import (
    StartTask,
    activate,
    card_check,
    change_pin,
    unlock,
)
from tests.reader_bridge.end_to_end.frame_proxy import CountingConnector, FrameProxy
from tests.reader_bridge.end_to_end.moments import (
    Act,
    MomentCard,
    MomentFrames,
    MomentPerson,
    Moments,
)
from tests.reader_bridge.end_to_end.watched_card import activate as activate_certificates
from tests.reader_bridge.end_to_end.whole_system import WholeSystem

_CHAT_TASKS: Mapping[CardTask, StartTask] = {
    CardTask.CARD_STATUS: card_check,
    CardTask.CHANGE_PIN: change_pin,
    CardTask.ACTIVATE: activate,
    CardTask.UNLOCK: unlock,
}
"""The tasks that a chat starts; the others are started at the hub."""
_MAX_STEPS = 30
"""More than it takes to pass the deadline of an operation."""
SENSITIVE = ("20", "24", "2c", "22", "87", "2a")
"""Instructions that use or change a PIN, key or signature."""
_CHANGING = (CardTask.CHANGE_PIN, CardTask.ACTIVATE, CardTask.UNLOCK)
FOREIGN = ("foreign",)
"""Ids of operations that nobody started."""


class Effect(Enum):
    """What comes of something that comes between."""

    NONE = "none"
    """The operation is done as if nothing had come between."""
    STOP = "stop"
    """It ends, and how is known."""
    DOUBT = "doubt"
    """It ends, and nobody may know how."""
    LIE = "lie"
    """One side says what is not so, and the chat cannot know better."""


class StopNotingConnector(CountingConnector):
    """A connector that notes when the client reads a stop or a start."""

    def __init__(self, proxy: FrameProxy, moments: Moments) -> None:
        super().__init__(proxy)
        self._moments = moments

    @asynccontextmanager
    async def connect(self) -> AsyncIterator[ServerConnection]:
        """Open a connection for the duration of a `with` block."""
        async with super().connect() as connection:
            receive = connection.receive

            async def receive_and_note() -> str:
                frame = await receive()
                self._note(json.loads(frame))
                return frame

            connection.receive = receive_and_note  # type: ignore[method-assign]
            yield connection

    def _note(self, message: Json) -> None:
        kind, operation = message["type"], message.get("operation_id", "")
        if kind == "start" and operation not in FOREIGN:
            self._moments.note_start()
        elif kind == "unpaired" or (kind == "cancel" and operation not in FOREIGN):
            self._moments.note_stop()
        elif kind == "welcome":
            is_new = not message["resumed"] and message["session"] not in FOREIGN
            self._moments.is_stopped |= is_new and self._moments.is_watching


@dataclass
class InterleavedWalk(CardWalk):
    """Runs operations again and again, each with something done at its moments.

    :ivar needs_new_app: the app is being closed.
    :ivar task: what is being run.
    """

    system: WholeSystem = field(kw_only=True)
    moments: Moments = field(kw_only=True)
    frames: MomentFrames = field(kw_only=True)
    app: AsyncExitStack = field(default_factory=AsyncExitStack)
    needs_new_app: bool = False
    task: CardTask = CardTask.LIST_READERS

    @property
    def chat(self) -> int:
        return self.person.person.id

    @property
    def card(self) -> MomentCard:
        """The card in their hand."""
        assert isinstance(self.prompter, MomentPerson)
        return self.prompter.moment_card

    @property
    def is_in_chat(self) -> bool:
        """Whether a conversation follows the task."""
        return self.task in _CHAT_TASKS

    @property
    def hub_session(self) -> HubSession | None:
        """The session of the chat's bridge, as the server has it."""
        chat = self.hub._chats.find(self.chat)
        return chat.session if chat else None

    # ---- for what comes between

    async def wait_for(self, condition: Callable[[], bool]) -> None:
        """Wait until a condition holds, at whatever moment."""
        while not condition():
            self.cards.activity.clear()
            with suppress(TimeoutError):
                async with asyncio.timeout(0.02):
                    await self.cards.activity.wait()

    async def shows_operation(self) -> bool:
        """Wait until the chat shows the operation; `False` where none follows it, or it is over."""
        if not self.is_in_chat:
            return False
        await self.wait_for(
            lambda: self._shows_work() or self.hub.status(self.chat).running is None
        )
        return self._shows_work()

    def _shows_work(self) -> bool:
        data = callback_data(step_message(self.person))
        return any(f".{WORK}." in each and each.endswith(f".{CANCEL}") for each in data)

    async def wait_for_reading(self) -> None:
        """Wait until the client has read what was sent to it, unless it is kept back there."""
        traffic = self.system.proxy.traffic
        if self.moments.happened[-1].removeprefix("before ").split()[0] in SERVER_MESSAGES:
            return
        await self.wait_for(
            lambda: (
                self.moments.is_stopped
                or self.home.task.done()
                or traffic.server_sent == traffic.bridge_handled
            )
        )

    async def cut_link(self) -> None:
        """Cut the link, and wait until the client has noticed it."""
        link, channel = self.system.proxy.link, self.home.session.channel
        connection = channel._connection
        assert link is not None
        link.cut()
        await self.wait_for(lambda: channel._connection is not connection or connection is None)

    # ---- the run

    async def run(self, task: CardTask, acts: dict[tuple[str, int], Act]) -> None:
        """Run a task to its end, with acts at its moments."""
        self.task = task
        await self.prepare()
        start = await self._prepare_task(task)
        newest = max((message["message_id"] for message in self.person.bot_messages), default=0)
        self._first_message = newest if self.is_in_chat else newest + 1
        self._pin = self.card.pin
        if any("leave" in name for name, _ in acts):
            self.home.session._operations._session.reading_allowed = False
        self.moments.begin(acts)
        await start()
        await self.finish()
        self.moments.end()

    async def prepare(self) -> None:
        """Have everything ready for the next operation."""
        set_time(self.cards.harness, self.cards.now + timedelta(minutes=3))
        await self.hub.check_deadlines(self.cards.now)
        if self.needs_new_app or self.home.task.done():
            await self.start_app()
        kaika = self.cards.harness.kaika
        if kaika.conversations.may_be_open(self.chat, self.chat) and "cancel" in step_keys(
            self.person
        ):
            await press(self.person, "cancel")
        await self.restore_reader()
        self.card.card.file.state.pin_tries = 3
        if self.home.session._peer is None:
            await self.hub.unpair(self.chat, self.cards.now)
            await self.wait_idle()
        if not self.hub.status(self.chat).is_paired:
            await pair(self.cards, self.person, self.prompter)
            await self.hub.check_deadlines(self.cards.now)  # else it was never seen to be paired
        await self.wait_idle()

    async def _prepare_task(self, task: CardTask) -> Act:
        if task is not CardTask.ACTIVATE and await self.holder.certificate_state() != "active":
            await self._take_card(FIRST)
            await activate_certificates(self.cards, self.holder)
        if task not in _CHAT_TASKS:

            async def start() -> None:
                await self.hub.start(self.chat, task, self.cards.now)

            return start
        key = await _CHAT_TASKS[task](self)
        return lambda: press(self.person, key)

    async def take_new_card(self) -> None:
        """Put a card into the reader that came by post and is not activated."""
        await self._take_card(None)

    async def _take_card(self, pin: bytes | None) -> None:
        self.card.card.close()
        self.holder = await self.cards.cardholder("posted", pin, seed=self.holder.seed + 1)
        assert isinstance(self.prompter, MomentPerson)
        self.prompter.card = self.prompter.moment_card = open_moment_card(
            self.holder, pin, self.moments
        )
        self.reader.pull()
        await self.reader.restore(self.prompter.card)

    async def start_app(self) -> None:
        """Start the app on the PC anew."""
        await self.app.aclose()
        self.system.proxy.is_open.set()
        self.needs_new_app = False
        connector = StopNotingConnector(self.system.proxy, self.moments)
        self.home = await self.app.enter_async_context(
            run_test_bridge(
                self.system.proxy.url, self.prompter, self.reader.readers, connector=connector
            )
        )
        close = self.home.session.close

        async def note_and_close() -> None:
            self.moments.note_stop()
            await close()

        self.home.session.close = note_and_close  # type: ignore[method-assign]
        self.cards.activity.set()

    # ---- the end

    async def finish(self) -> None:
        """Let the operation end, and do what the chat asks for until nothing is open."""
        for _ in range(_MAX_STEPS):
            if self.needs_new_app:
                await asyncio.wait((self.home.task,))
            await asyncio.gather(*self.moments.beside)
            self.moments.beside.clear()
            await self.wait_idle()
            if self.moments.beside:
                continue
            await self.restore_reader()
            status = self.hub.status(self.chat)
            if status.running is not None:
                await self._let_time_pass()
            elif status.unresolved is None:
                await self.wait_idle()  # how it ended may still be on its way to the chat
                return
            elif self.home.task.done() or self.needs_new_app:
                await self.start_app()
            elif not (status.is_paired and self.home.session._peer):
                async with asyncio.timeout(PATIENCE):  # the PC may only learn of it yet
                    await self.wait_for(lambda: self.home.session._peer is None)
                await self.hub.unpair(self.chat, self.cards.now)
                await self._pair_at_hub()
            elif self._is_asked_to_press():
                await press(self.person, "ask")
            else:
                await self._let_time_pass()
        raise AssertionError(f"no end: {self.hub.status(self.chat)} {self.person.last['text']!r}")

    def _is_asked_to_press(self) -> bool:
        """Whether the chat says that the card is asked only when they press the button."""
        can_press = "ask" in step_keys(self.person)
        return can_press and phrases.ASK_CARD_AGAIN in step_message(self.person)["text"]

    async def wait_idle(self) -> None:
        """Wait until nothing happens by itself any more; start a server that was killed."""
        while True:
            async with asyncio.timeout(PATIENCE):
                await self.wait_for(self._is_idle)
            await self.cards.harness.settle()
            await self.cards.harness.kaika.application.update_queue.join()
            if self.process.is_dead:
                await self.process.wait_cleaned_up()
                await self.process.start()
            elif self._is_idle():
                return

    def _is_idle(self) -> bool:
        if self.home.task.done() or self.needs_new_app or self.process.is_dead:
            return True
        if self._is_ending() and not self._waits_for_person():
            return False
        has_left = self.home.session._peer is None and self.hub.status(self.chat).running is None
        return has_left or super()._is_idle()

    def _is_ending(self) -> bool:
        """Whether the PC is still at the end of an operation, of whatever pairing."""
        tasks = self.home.session._tasks._tasks
        return any("OperationRunner" in repr(task.get_coro()) for task in tasks)

    async def _pair_at_hub(self) -> None:
        """Pair without the chat, whose conversation stays where it is."""
        self.moments.note_start()  # they want it now
        code = await self.hub.issue_pairing_code(self.chat, self.chat, "Anna", self.cards.now)
        self.prompter.codes.put_nowait(code.code.reveal())
        await self.cards.wait_until(lambda: self.hub.pairing_words(self.chat) is not None)
        await self.hub.answer_pairing(self.chat, self.cards.now, accepted=True)
        await self.cards.wait_until(lambda: self.hub.status(self.chat).is_paired)

    # ---- what is true

    @property
    def said(self) -> list[str]:
        """What the chat says since the operation was started, as it stands now."""
        return [
            message["text"]
            for message in self.person.bot_messages
            if message["message_id"] >= self._first_message and "text" in message
        ]

    @property
    def has_new_pin(self) -> bool:
        return self.card.pin != self._pin

    def check(self, effect: Effect) -> None:
        """Check that nothing came after a stop, that what is said is true, and that all is free."""
        assert self.moments.after_stop == [], self.moments.after_stop
        assert isinstance(self.prompter, MomentPerson)
        assert self.prompter.open_questions == 0, "a question stands open"
        assert isinstance(self.reader, BreakableVirtualReader)
        assert self.reader._connections == [], "the card is released"
        log = self.moments.card_log
        if set(log) & set(SENSITIVE):
            last = max(at for at, what in enumerate(log) if what in SENSITIVE)
            assert "reset" in log[last:], "the card is reset"
        assert self.card.spent_tries == [], self.card.spent_tries
        if self.is_in_chat and effect is not Effect.LIE:
            self._check_what_is_said(effect)
        if effect is Effect.NONE:
            assert self.has_new_pin is (self.task in _CHANGING), self.said

    def _check_what_is_said(self, effect: Effect) -> None:
        claims = [(text, find_claim(text)) for text in self.said]
        changes = self.task in _CHANGING
        true = {PinClaim.CHANGED if self.has_new_pin else PinClaim.UNCHANGED, PinClaim.NOTHING}
        if effect is Effect.DOUBT or not changes:
            true.add(PinClaim.UNKNOWN)
        assert all(claim in true for _, claim in claims), claims
        if self.has_new_pin:
            assert {claim for _, claim in claims} - {PinClaim.NOTHING}, claims


class PinClaim(Enum):
    """What a text of the chat says of the PIN."""

    CHANGED = "changed"
    UNCHANGED = "unchanged"
    UNKNOWN = "unknown"
    NOTHING = "nothing"


def find_claim(text: str) -> PinClaim:
    """Return what a text says of the PIN."""
    for claim, parts in _PARTS.items():
        if any(part in text for part in parts):
            return claim
    return PinClaim.NOTHING


_PARTS = {
    PinClaim.UNKNOWN: (
        "Either the", "either the", "connection broke while", "if the new PIN is set",
    ),
    PinClaim.CHANGED: (
        "he new PIN is set",
        "Activated (開卡)",
        "Unlocked (鎖卡解碼)",
    ),
    PinClaim.UNCHANGED: (
        "I stopped", "PIN has not changed", "o changes were made", "o PIN was set", "was not set",
    ),
}  # fmt: skip
"""The claims, by parts of the texts that make them."""


def open_moment_card(holder: Cardholder, pin: bytes | None, moments: Moments) -> MomentCard:
    """Open a person's card."""
    return MomentCard(VirtualCard.insert(holder.card_file, PASSPHRASE), pin, moments)


@asynccontextmanager
async def start_interleaved_walk(system: WholeSystem) -> AsyncIterator[InterleavedWalk]:
    """Start with a person whose PC is paired with their chat and who has an active card."""
    moments, reader = Moments(system.cards.activity.set), BreakableVirtualReader()
    frames = system.proxy.fault = MomentFrames(moments)
    cards, person = system.cards, system.cards.harness.add_user()
    holder = await cards.cardholder("posted", FIRST)
    await activate_certificates(cards, holder)
    prompter = MomentPerson(open_moment_card(holder, FIRST, moments))
    await reader.restore(prompter.card)
    walk = InterleavedWalk(
        cards, system.process, person, None, prompter, reader, holder,  # type: ignore[arg-type]
        system=system, moments=moments, frames=frames,
    )  # fmt: skip
    with moments.watch_commands():
        await walk.start_app()
        try:
            yield walk
        finally:
            await walk.app.aclose()
            walk.card.card.close()
