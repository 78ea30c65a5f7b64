"""People at their PCs who activate a new card and unlock it later, whatever becomes of the bot.

They do what chat and PC show, and where nothing happens for a while press the button again.
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
from tests.bot.customers import PATIENCE, Customer
from tests.chat import Json, buttons
from tests.reader_bridge.bridge_runner import run_test_bridge
from tests.reader_bridge.end_to_end.watched_card import PersonWithPin, WatchedCard
from tests.services.bridge.over_link import PASSPHRASE

_CODE = re.compile(r"\b([2-9A-Z]{4}) ([2-9A-Z]{4})\b")
_A_WHILE = 6.0
"""Seconds in which nothing happens before somebody presses a button again."""
_REDIALS = 0.05
"""Seconds before a bridge dials again."""
_ON = {
    "ready": "go",
    "know": "go",
    "begin": "go",
    "compare": "same",
    "parted": "code",
    "unlinked": "again",
    "confirm": "start",
    "work": "again",
    "failed": "again",
    "unresolved": "ask",
}
"""Which button leads on from a step, where it is there."""


async def nobody_minds(_work: str, _message: str) -> None:
    """Let a message pass."""


@dataclass
class Cardholder(Customer):
    """Somebody whose new card came by post.

    :ivar server: where their bridge dials.
    :ivar at_message: told of every message between PC and bot, and may hold it up.
    :ivar doing: what they have begun last.
    :ivar done: what was carried out, as the chat told it.
    :ivar kept: their card, watched.
    """

    server: str = ""
    at_message: Callable[[str, str], Awaitable[None]] = nobody_minds
    doing: str = ""
    done: list[str] = field(default_factory=list)
    kept: WatchedCard | None = None
    _typed_at_pc: str = ""

    async def lives(self) -> None:
        """Activate, lock the card, and unlock it."""
        async with self._at_the_pc() as at_pc:
            await self._does(at_pc, "activate", "Activated (開卡).")
            assert self.kept is not None
            self.kept.card.file.state.pin_tries = 0  # three wrong ones, elsewhere
            await self._does(at_pc, "unlock", "Unlocked (解碼).")

    @asynccontextmanager
    async def _at_the_pc(self) -> AsyncIterator[PersonWithPin]:
        card = await asyncio.to_thread(VirtualCard.insert, self.someone.card_file, PASSPHRASE)
        self.kept = WatchedCard(card)
        at_pc, reader = PersonWithPin(self.kept), VirtualReader(self.kept)
        url = self.server + DEFAULT_PATH
        async with run_test_bridge(
            url, at_pc, reader, connector=_Watched(url, self), reconnect_seconds=_REDIALS
        ):
            yield at_pc
        card.close()

    async def _does(self, at_pc: PersonWithPin, what: str, told: str) -> None:
        self.doing = what
        self.person.start(f"do-{what}")
        end = asyncio.get_running_loop().time() + PATIENCE
        seen: Json | None = None

        def changed() -> bool | None:
            return self._newest() != seen or self._was_told(told) or None

        while not self._was_told(told):
            assert asyncio.get_running_loop().time() < end, self._stuck(what)
            await self.world.changes.signal.wait_for(changed, _A_WHILE)
            seen = self._newest()
            if seen is not None and not self._was_told(told):
                self._acts(at_pc, seen)
        self.done.append(what)

    def _was_told(self, told: str) -> bool:
        return any(told in message.get("text", "") for message in self.heard)

    def _newest(self) -> Json | None:
        """Give the newest message of a conversation, with its step."""
        for message in reversed(self.heard):
            if _step_of(message):
                return message
        return None

    def _acts(self, at_pc: PersonWithPin, message: Json) -> None:
        step, keys = _step_of(message), _keys_of(message)
        if step == "pair":
            self._pairs(at_pc, message, keys)
        elif step in ("who", "code"):
            self.types(f"{self.number} {self.code}")
        elif step == "unlinked" and at_pc.is_asked_for_code:
            # The bot was killed between its record of the pairing and its word to the PC.
            self.person.press(message["message_id"], keys["code"])
        elif (key := _ON.get(step)) in keys:
            assert key is not None
            self.person.press(message["message_id"], keys[key])
        elif (key := "on" if "on" in keys else "code") in keys:
            self.person.press(message["message_id"], keys[key])

    def _pairs(self, at_pc: PersonWithPin, message: Json, keys: dict[str, str]) -> None:
        found = _CODE.search(message.get("text", ""))
        if found and found[0] != self._typed_at_pc:
            self._typed_at_pc = found[0]
            at_pc.codes.put_nowait(found[0])
        else:
            key = "new" if "new" in keys else "code"
            self.person.press(message["message_id"], keys[key])

    def _stuck(self, what: str) -> str:
        said = [message.get("text", "")[:90] for message in self.heard[-3:]]
        return f"{self.person.account.first_name} cannot {what}, sees {said}"


def _keys_of(message: Json) -> dict[str, str]:
    """Give a message's buttons: the data of each by its key."""
    data = [button.get("callback_data", "") for button in buttons(message)]
    return {each.rsplit(".", 1)[-1]: each for each in data if each.startswith("v1:dlg:")}


def _step_of(message: Json) -> str:
    """Give the step that a message shows."""
    for data in _keys_of(message).values():
        return data.removeprefix("v1:dlg:").split(".")[1]
    return ""


class _Watched(ServerConnector):
    """A link of somebody's PC whose every message is told of."""

    def __init__(self, url: str, holder: Cardholder) -> None:
        super().__init__(url)
        self._holder = holder

    @asynccontextmanager
    async def connect(self) -> AsyncIterator[ServerConnection]:
        """Make a link, and end it."""
        async with super().connect() as wire:
            yield _WatchedWire(wire, self._holder)


class _WatchedWire(ServerConnection):
    def __init__(self, wire: ServerConnection, holder: Cardholder) -> None:
        self._wire, self._holder = wire, holder
        self._seen: Counter[str] = Counter()

    async def send(self, frame: str) -> None:
        if self._holder.chance.random() < 0.5:
            await self._tells(frame)
            await self._wire.send(frame)
        else:
            await self._wire.send(frame)
            await self._tells(frame)

    async def receive(self) -> str:
        frame = await self._wire.receive()
        await self._tells(frame)
        return frame

    async def close(self) -> None:
        await self._wire.close()

    async def _tells(self, frame: str) -> None:
        message = json.loads(frame)
        operation = message.get("operation_id", "")
        name = f"{operation} {message['type']}"
        self._seen[name] += 1
        work = self._holder.doing if operation else "link"
        await self._holder.at_message(work, f"{message['type']} {self._seen[name]}")
