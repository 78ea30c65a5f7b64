"""The moments of an operation on the whole system, and what comes after a stop that was read.

A moment is wherever an operation hands something on: a question to the person, a message to the
other side, a command to the card. It has a name, such as ``question consent``, ``before start`` (on
its way to whom it is for), ``after start``, ``command 24`` (not sent yet), ``execution 24`` (the
card has it), ``answer 24`` (the card has answered, and nobody knows). Everything stands still at a
moment until what is done at it has happened.
"""

import asyncio
import json
import threading
from collections import Counter
from collections.abc import Awaitable, Callable, Iterator
from contextlib import contextmanager
from dataclasses import dataclass, field
from unittest.mock import patch

from reader_bridge.card.apdu import Instruction
from reader_bridge.card.errors import CardRemovedError
from reader_bridge.card.secret_buffer import SecretBuffer
from reader_bridge.operations.card_thread import StoppableConnection
from reader_bridge.prompter import ConsentRequest, PinRequest
from reader_bridge.virtual_card.reader import InsertableCard
from tests.patience import PATIENCE
from tests.reader_bridge.end_to_end.frame_proxy import Forward, FrameFault, ProxiedLink, Socket
from tests.reader_bridge.end_to_end.watched_card import PersonWithPin, WatchedCard

Act = Callable[[], Awaitable[None]]


@dataclass
class Moments:
    """The moments of one operation, in order; something is done at some of them.

    :ivar on_act: called after everything that was done at a moment.
    :ivar acts: what to do, by the name of a moment and how often it was reached by then.
    :ivar reached: the names of the moments so far, in order.
    :ivar happened: those at which something was done.
    :ivar is_stopped: the client has read that the operation is to stop.
    :ivar after_stop: what was asked or sent all the same.
    :ivar beside: what is being done at moments that nothing waits at.
    :ivar card_log: every instruction that the card got, and its resets.
    """

    on_act: Callable[[], None]
    acts: dict[tuple[str, int], Act] = field(default_factory=dict)
    is_watching: bool = False
    reached: list[str] = field(default_factory=list)
    happened: list[str] = field(default_factory=list)
    is_stopped: bool = False
    after_stop: list[str] = field(default_factory=list)
    beside: list[asyncio.Future[None]] = field(default_factory=list)
    card_log: list[str] = field(default_factory=list)
    _counts: Counter[str] = field(default_factory=Counter)
    _under_way: threading.local = field(default_factory=threading.local)

    def begin(self, acts: dict[tuple[str, int], Act]) -> None:
        """Begin to watch an operation."""
        self._loop = asyncio.get_running_loop()
        self.acts, self.is_watching, self.is_stopped = acts, True, False
        for each in (self.reached, self.happened, self.after_stop, self.card_log, self._counts):
            each.clear()

    def end(self) -> None:
        """End to watch."""
        self.is_watching = self.is_stopped = False

    @property
    def is_command_under_way(self) -> bool:
        """Whether the card has a command at the present moment."""
        return self.happened[-1].startswith(("execution", "answer"))

    async def reach(self, name: str) -> None:
        """Do what is to be done at a moment, in a task of its own."""
        act = self._find_act(name)
        if act is not None:
            await asyncio.shield(asyncio.ensure_future(self._do(act)))

    def reach_beside(self, name: str) -> None:
        """Do what is to be done at a moment that nothing waits at."""
        act = self._find_act(name)
        if act is not None:
            self.beside.append(asyncio.ensure_future(self._do(act)))

    def reach_on_card_thread(self, name: str) -> None:
        """Have done what is to be done at a moment, while the card waits."""
        act = self._find_act(name)
        if act is not None:
            asyncio.run_coroutine_threadsafe(self._do(act), self._loop).result(PATIENCE)

    def note_stop(self) -> None:
        """Note that the client has read that the operation is to stop."""
        self.is_stopped = self.is_watching

    def note_start(self) -> None:
        """Note that the client has read that an operation is to start."""
        self.is_stopped = False

    def note_question(self, name: str) -> None:
        """Note a question to the person."""
        if self.is_stopped:
            self.after_stop.append(f"question {name}")

    # ---- on the card's thread

    @contextmanager
    def watch_commands(self) -> Iterator[None]:
        """Make commands moments before they are sent; those begun after a stop are late."""
        original = StoppableConnection.send_and_receive

        def send_and_receive(connection: StoppableConnection, apdu: bytearray) -> tuple[bytes, int]:
            self.reach_on_card_thread(f"command {apdu[1]:02x}")
            self._under_way.is_late = self.is_stopped
            return original(connection, apdu)

        with patch.object(StoppableConnection, "send_and_receive", send_and_receive):
            yield

    def note_command(self, instruction: int) -> None:
        """Note a command that the card got."""
        self.card_log.append(f"{instruction:02x}")
        if getattr(self._under_way, "is_late", False) and instruction != Instruction.GET_RESPONSE:
            self.after_stop.append(f"command {instruction:02x}")

    def _find_act(self, name: str) -> Act | None:
        if not self.is_watching:
            return None
        self._counts[name] += 1
        self.reached.append(name)
        act = self.acts.pop((name, self._counts[name]), None)
        if act is not None:
            self.happened.append(name)
        return act

    async def _do(self, act: Act) -> None:
        async with asyncio.timeout(PATIENCE):
            await act()
        self.on_act()


class MomentCard(WatchedCard):
    """A watched card whose commands are moments.

    :ivar is_pulled: it leaves the reader in the middle of the command that is under way.
    """

    def __init__(self, card: InsertableCard, pin: bytes | None, moments: Moments) -> None:
        super().__init__(card, pin)  # type: ignore[arg-type]
        self.moments = moments
        self.is_pulled = False

    def transmit(self, apdu: bytes | bytearray) -> bytes:
        name = f"{apdu[1]:02x}"
        self.moments.note_command(apdu[1])
        self.moments.reach_on_card_thread(f"execution {name}")
        self._leave_if_pulled()
        answer = super().transmit(apdu)
        self.moments.reach_on_card_thread(f"answer {name}")
        self._leave_if_pulled()
        return answer

    def _leave_if_pulled(self) -> None:
        if self.is_pulled:
            self.is_pulled = False
            raise CardRemovedError

    def power_on(self) -> None:
        self.moments.card_log.append("reset")
        super().power_on()

    def power_off(self) -> None:
        self.moments.card_log.append("reset")
        super().power_off()

    def reset(self) -> None:
        self.moments.card_log.append("reset")
        super().reset()


class MomentPerson(PersonWithPin):
    """A person who says yes to everything and types what is asked for, each time at a moment."""

    def __init__(self, card: MomentCard) -> None:
        super().__init__(card)
        self.moments = card.moments
        self.moment_card = card
        self.open_questions = 0

    async def ask_consent(self, request: ConsentRequest) -> bool:
        await self._be_asked("leave" if request.for_session else "consent")
        return await super().ask_consent(request)

    async def ask_pin(self, request: PinRequest) -> SecretBuffer | None:
        await self._be_asked(f"{request.kind.value} PIN")
        return await super().ask_pin(request)

    async def _be_asked(self, name: str) -> None:
        self.moments.note_question(name)
        self.open_questions += 1
        try:
            await self.moments.reach(f"question {name}")
        finally:
            self.open_questions -= 1


class MomentFrames(FrameFault):
    """Makes every message between bridge and server two moments: on its way, and passed on."""

    def __init__(self, moments: Moments) -> None:
        super().__init__(0, self._pass_on)
        self._moments = moments
        self.name = ""

    def matches(self, frame: str) -> bool:
        message = json.loads(frame)
        self.name = " ".join(filter(None, (message["type"], message.get("step"))))
        return bool(message["seq"]) and self._moments.is_watching

    async def _pass_on(self, link: ProxiedLink, _: Socket, forward: Forward) -> None:
        name = self.name
        await self._moments.reach(f"before {name}")
        await forward()
        self._moments.reach_beside(f"after {name}")
