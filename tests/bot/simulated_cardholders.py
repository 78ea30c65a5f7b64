"""Simulated people who activate a card at a PC and unlock it later, while the bot is killed.

They do what chat and PC show, and press a button again if nothing happens for a while. At a step
where they do not know what to do they give up immediately, and tell what they see.
"""

import asyncio
import json
import re
from collections import Counter
from collections.abc import AsyncIterator, Awaitable, Callable
from contextlib import asynccontextmanager
from dataclasses import dataclass, field

from reader_bridge.client.websocket import ServerConnection, ServerConnector
from reader_bridge.protocol.limits import DEFAULT_PATH
from reader_bridge.virtual_card.card import VirtualCard
from reader_bridge.virtual_card.reader import VirtualReader
from tests import phrases
from tests.bot.simulated_customers import PATIENCE, SimulatedCustomer, keys_of, step_of
from tests.bot_harness import Json
from tests.handlers.engine.navigation import callback_data
from tests.reader_bridge.bridge_runner import run_test_bridge
from tests.reader_bridge.end_to_end.watched_card import PersonWithPin, WatchedCard
from tests.services.bridge.websocket_harness import PASSPHRASE

_CODE = re.compile(r"\b([2-9A-Z]{4}) ([2-9A-Z]{4})\b")
_A_WHILE = 6.0
"""Seconds without a change before somebody presses a button again."""
_REDIALS = 0.05
"""Seconds before a bridge reconnects."""
_ON = {
    "ready": ("go",),
    "pair": ("new", "code"),
    "compare": ("same", "on", "code"),
    "confirmed": ("on", "code"),
    "parted": ("code",),
    "unlinked": ("again", "code"),
    "confirm": ("start",),
    "work": ("again",),
    "failed": ("again",),
    "unresolved": ("ask",),
}
"""The button to press at each step, the first of these that is shown."""
_MAY_WAIT = ("compare", "confirmed", "work", "failed")
"""The steps that may show no such button, while something else is to happen."""
_DONE = ("offer", "linked", "done")
"""The steps after what somebody came for."""
_MOST_UNASKED = 4
"""How often somebody types what nothing asks for any more before they count as lost."""


async def let_pass(_work: str, _message: str) -> None:
    """Pass a message on."""


@dataclass
class SimulatedCardholder(SimulatedCustomer):
    """A person whose new card has arrived by post.

    :ivar server: where their bridge dials.
    :ivar at_message: told of every message between PC and bot, and may hold it up.
    :ivar doing: what they have begun last.
    :ivar done: what was carried out, as the chat has shown it.
    :ivar watched_card: their card, which records what it is sent.
    """

    server: str = ""
    at_message: Callable[[str, str], Awaitable[None]] = let_pass
    doing: str = ""
    done: list[str] = field(default_factory=list)
    watched_card: WatchedCard | None = None
    _typed_at_pc: str = ""
    _unasked: set[int] = field(default_factory=set)
    """The messages that deleted what nothing asked for."""

    async def run(self) -> None:
        """Activate, lock the card, and unlock it."""
        async with self._at_the_pc() as at_pc:
            await self._does(at_pc, "activate")
            assert self.watched_card is not None
            self.watched_card.card.file.state.pin_tries = 0  # three wrong ones, elsewhere
            await self._does(at_pc, "unlock")

    @asynccontextmanager
    async def _at_the_pc(self) -> AsyncIterator[PersonWithPin]:
        card = await asyncio.to_thread(VirtualCard.insert, self.someone.card_file, PASSPHRASE)
        self.watched_card = WatchedCard(card)
        at_pc, reader = PersonWithPin(self.watched_card), VirtualReader(self.watched_card)
        url = self.server + DEFAULT_PATH
        async with run_test_bridge(
            url, at_pc, reader, connector=_WatchedConnector(url, self), reconnect_seconds=_REDIALS
        ):
            yield at_pc
        card.close()

    async def _does(self, at_pc: PersonWithPin, what: str) -> None:
        self.doing = what
        self.person.start(f"do-{what}")
        end = asyncio.get_running_loop().time() + PATIENCE
        seen: Json | None = None

        def changed() -> bool | None:
            return self.newest_step != seen or self._is_done(what) or None

        while not self._is_done(what):
            is_late = asyncio.get_running_loop().time() > end
            assert not is_late, self.describe(f"cannot {what}")
            if await self.world.changes.signal.wait_for(changed, _A_WHILE):
                end = asyncio.get_running_loop().time() + PATIENCE
            seen = self.newest_step
            if self._is_done(what):
                break
            if (question := self._restart_question()) is not None:
                self.person.press(*question)
            elif self._typed_unasked():  # it was done in the background, or had ended there
                self.person.start(f"do-{what}")
            elif seen is not None and step_of(seen).startswith(f"{what}/"):
                self._acts(at_pc, seen)
            else:  # it was told in the background that the conversation before had ended
                self.person.start(f"do-{what}")
        self.done.append(what)

    def _is_done(self, what: str) -> bool:
        ends = [f"{what}/{step}" for step in _DONE]
        return any(step_of(message) in ends for message in self.received)

    def _restart_question(self) -> tuple[int, str] | None:
        """Return what to press where the newest message asks whether to stop what is open."""
        newest = self.received[-1] if self.received else {}
        for data in callback_data(newest):
            if data.startswith("v1:anew:"):
                return newest["message_id"], data
        return None

    def _typed_unasked(self) -> bool:
        """Whether the newest message deletes what they typed, and no step follows it."""
        newest = self.received[-1] if self.received else {}
        if phrases.DELETED_IT not in newest.get("text", "") or step_of(newest):
            return False
        self._unasked.add(newest["message_id"])
        assert len(self._unasked) <= _MOST_UNASKED, self.describe("is asked for nothing")
        return True

    def _acts(self, at_pc: PersonWithPin, message: Json) -> None:
        step, keys = step_of(message).partition("/")[2], keys_of(message)
        if step in ("who", "code"):
            self.types(f"{self.number} {self.code}")
            return
        if step == "pair" and self._types_at_pc(at_pc, message):
            return
        wanted = _ON.get(step, ())
        if step == "unlinked" and at_pc.is_asked_for_code:
            # The bot was killed between its record of the pairing and its word to the PC.
            wanted = ("code",)
        key = next((each for each in wanted if each in keys), None)
        assert key or step in _MAY_WAIT, self.describe(f"does not know what to do at {step}")
        if key is not None:
            self.person.press(message["message_id"], keys[key])

    def _types_at_pc(self, at_pc: PersonWithPin, message: Json) -> bool:
        """Type the code that a message shows at the PC; `False` where that was done already."""
        found = _CODE.search(message.get("text", ""))
        if found is None or found[0] == self._typed_at_pc:
            return False
        self._typed_at_pc = found[0]
        at_pc.codes.put_nowait(found[0])
        return True


class _WatchedConnector(ServerConnector):
    """Connects a PC, and reports every message to its cardholder."""

    def __init__(self, url: str, holder: SimulatedCardholder) -> None:
        super().__init__(url)
        self._holder = holder

    @asynccontextmanager
    async def connect(self) -> AsyncIterator[ServerConnection]:
        """Connect, and close the connection when the block ends."""
        async with super().connect() as wire:
            yield _WatchedConnection(wire, self._holder)


class _WatchedConnection(ServerConnection):
    def __init__(self, wire: ServerConnection, holder: SimulatedCardholder) -> None:
        self._wire, self._holder = wire, holder
        self._seen: Counter[str] = Counter()

    async def send(self, frame: str) -> None:
        if self._holder.chance.random() < 0.5:
            await self._report(frame)
            await self._wire.send(frame)
        else:
            await self._wire.send(frame)
            await self._report(frame)

    async def receive(self) -> str:
        frame = await self._wire.receive()
        await self._report(frame)
        return frame

    async def close(self) -> None:
        await self._wire.close()

    async def _report(self, frame: str) -> None:
        message = json.loads(frame)
        operation = message.get("operation_id", "")
        name = f"{operation} {message['type']}"
        self._seen[name] += 1
        work = self._holder.doing if operation else "link"
        await self._holder.at_message(work, f"{message['type']} {self._seen[name]}")
