"""The way to every step of what is done with a card, with a PC and a virtual card in its reader."""

import asyncio
from collections.abc import Iterator
from dataclasses import dataclass, field
from datetime import datetime

from handlers.engine.model import Step
from reader_bridge.prompter import PairingPeer, PinKind
from reader_bridge.protocol import FailureCode
from reader_bridge.protocol import ProgressStep as Waiting
from reader_bridge.virtual_card.card import VirtualCard
from services.authority.values import AuthorityOperation, Proof
from services.bridge.events import BridgeEvent, OperationFailed, OperationUnresolved
from services.bridge.operations.task import CardTask
from tests.chat import Subscriber
from tests.handlers.conversations.online.card_stage import (
    NEW_PIN,
    PASSPHRASE,
    PIN,
    CardStage,
    Pc,
    shown_code,
)
from tests.handlers.conversations.online.people import Holder
from tests.handlers.conversations.online.walks import SEEDS, Cast, expires
from tests.handlers.conversations.online.ways import WITH_A_CARD, Here, Role, Way, ways
from tests.handlers.engine.walking import data_of, press, shown
from tests.services.authority.world import CHAT

_WORKS = {
    "activate": CardTask.ACTIVATE,
    "unlock": CardTask.UNLOCK,
    "change_pin": CardTask.CHANGE_PIN,
    "card_check": CardTask.CARD_STATUS,
}
_DONE = {"activate": "offer", "unlock": "offer", "change_pin": "done", "card_check": "report"}
_ABLE = {"activate": "posted", "unlock": "active", "change_pin": "posted", "card_check": "posted"}
"""Whose card it is done with."""
_HINDERED = {
    "posted": "inactive", "suspended": "suspended", "revoked": "revoked", "expired": "expired",
}  # fmt: skip
_UNPAIRED = ("pair", "compare", "confirmed", "parted", "paired")
"""Steps of a chat with which no PC is connected, or was until a moment ago."""


def link_for(goal: Here) -> str:
    """Give how the PC has to be for a step: ``unpaired``, ``away``, or else ``paired``."""
    return {"unlinked": "away", **dict.fromkeys(_UNPAIRED, "unpaired")}.get(goal[1], "paired")


def ways_at_the_pc(link: str, role: Role, here: Here, step: Step) -> Iterator[Way]:
    """Give what leads on from a step, on the PC too."""
    dialog, name = here
    there = {"pair": "paired", "activate": "who", "unlock": "who"}.get(dialog, "work")
    match name:
        case "ready" | "know" | "begin":
            yield from _begins(role, here, step, link)
        case "pair":
            yield Way("pc:types the code", (dialog, "compare"), is_one_way=True)
        case "compare":
            yield Way("same", (dialog, "confirmed"), is_one_way=True)
            yield Way("other", (dialog, "parted"), is_one_way=True)
        case "confirmed":
            yield Way("pc:says yes", (dialog, there), is_one_way=True)
        case "confirm" if role.life in WITH_A_CARD:
            yield Way("start", (dialog, _started(role, dialog)), is_one_way=True)
        case "work":
            yield from _worked(role, dialog)
        case "failed":
            yield Way("pc:is not sure", (dialog, "unresolved"), is_one_way=True)
        case "who" | "code" | "offer":
            yield from ways(role, here, step)


def _begins(role: Role, here: Here, step: Step, link: str) -> Iterator[Way]:
    dialog, name = here
    for choice in step.buttons:
        if choice.action is None:
            yield from ways(role, here, Step(step.text, (choice,)))
        elif link != "paired":
            yield Way(choice.key, (dialog, "pair" if link == "unpaired" else "unlinked"))
        elif dialog in ("activate", "unlock"):
            yield Way(choice.key, (dialog, "who"))
        elif name != "begin" and role.life == _ABLE[dialog]:
            yield Way(choice.key, (dialog, "work"), is_one_way=True)


def _started(role: Role, dialog: str) -> str:
    """Give where activating or unlocking begins, or what state does not allow it."""
    if role.life == _ABLE[dialog]:
        return "work"
    if role.life == "issued":
        return "waiting" if dialog == "activate" else "inactive"
    return _HINDERED.get(role.life, "work")


def _worked(role: Role, dialog: str) -> Iterator[Way]:
    if role.life == _ABLE[dialog]:
        yield Way("pc:finishes", (dialog, _DONE[dialog]), is_one_way=True)
        yield Way("pc:refuses", (dialog, "failed"), is_one_way=True)


@dataclass
class AtPc:
    """Somebody with a PC that stays on, whatever they walk to.

    :ivar yes: set while they say yes at once to being connected.
    """

    cards: CardStage
    anna: Subscriber
    pc: Pc
    yes: asyncio.Event = field(default_factory=asyncio.Event)

    def __post_init__(self) -> None:
        self.pc.person.confirm_pairing = self._confirms  # type: ignore[method-assign]

    async def _confirms(self, peer: PairingPeer) -> bool:
        self.pc.person.peers.append(peer)
        await self.yes.wait()
        return True

    @property
    def chat(self) -> int:
        return self.anna.person.id

    @property
    def is_paired(self) -> bool:
        """Whether the PC is connected with the chat."""
        return self.cards.bridge.hub.status(self.chat).is_paired

    async def leaves(self) -> None:
        """Leave whatever is open, and have the PC ready for more."""
        kaika = self.anna.stage.kaika
        if kaika.conversations.may_be_open(self.chat, self.chat):
            await press(self.anna, "cancel")
        hub = self.cards.bridge.hub
        if hub.pairing_words(self.chat) is not None:
            await hub.answer_pairing(self.chat, self.cards.now, accepted=False)
        self.pc.person.free.set()
        self.yes.set()
        if hub.status(self.chat).running is not None:
            await self.is_unpaired()

    async def is_unpaired(self) -> None:
        """Disconnect the PC."""
        if self.is_paired:
            await self.anna.says("/unpair")

    async def pairs(self) -> None:
        """Connect the PC."""
        if not self.is_paired:
            await self.anna.says("/pair")
            await press(self.anna, "code")
            await self.cards.pairs(self.anna, self.pc)

    def goes_away(self) -> None:
        """Lose the link to the PC without a word from it."""
        chat = self.cards.bridge.hub._chats.find(self.chat)
        assert chat is not None
        assert chat.session is not None
        chat.session.transport, chat.session.lost_at = None, self.cards.now

    def waits(self) -> None:
        """Let questions about a PIN wait from now on."""
        self.pc.person.free.clear()
        self.pc.person.pins = {PinKind.CURRENT: [PIN], PinKind.NEW: [NEW_PIN]}

    def takes_out(self) -> None:
        """Leave the reader empty."""
        self.pc.reader.pull()
        if self.pc.card is not None:
            self.pc.card.close()
            self.pc.card = None

    def puts_in(self) -> None:
        """Put the card into the reader."""
        assert self.pc.card is not None
        self.pc.reader.insert(self.pc.card)

    async def stands_still(self) -> None:
        """Wait until nothing more comes from the PC by itself."""
        waits = (Waiting.WAITING_FOR_PERSON, Waiting.WAITING_FOR_CARD)

        def is_waiting() -> bool:
            progress = self.cards.bridge.live_messages.progress(self.chat)
            return progress is None or progress.step in waits

        await self.cards.until(is_waiting)


@dataclass
class PcCast(Cast):
    """Somebody who walks at a PC."""

    at: AtPc = field(kw_only=True)

    async def holder(self) -> Holder:
        if self._holder is None and self.role.life in WITH_A_CARD:
            self._holder = await with_card(self.at.cards, self.role.life)
        return await super().holder()

    async def prepares(self, goal: Here) -> None:
        """Have PC, card and pairing as the way to a step needs them."""
        at, link = self.at, link_for(goal)
        await at.leaves()
        if link == "unpaired":
            await at.is_unpaired()
            at.yes.clear()
        else:
            await at.pairs()
            await at.leaves()
        if link == "away":
            at.goes_away()
        at.waits()
        at.takes_out()
        if self.role.life in WITH_A_CARD:
            holder = await self.holder()
            at.pc.card = VirtualCard.insert(holder.card_file, PASSPHRASE)
            if self.role.life == _ABLE[goal[0]] and goal[0] != "card_check":
                at.puts_in()  # and else the PC waits for it

    async def walks(self, path: list[Way]) -> None:
        for way in path:
            await super().walks([way])
            if way.to[1] == "work":
                await self.at.stands_still()

    async def does(self, what: str) -> None:
        if not what.startswith("pc:"):
            await super().does(what)
            return
        before = step_of(self.anna)
        await self._at_the_pc(what.removeprefix("pc:"), before[0])
        try:
            await self.at.cards.until(lambda: step_of(self.anna) != before)
        except AssertionError as error:
            error.add_note(f"{what} at {before}")
            raise
        self.at.waits()
        if before[0] == "card_check":
            self.at.pc.reader.pull()  # or looking again is over at once

    async def _at_the_pc(self, what: str, dialog: str) -> None:
        at, person = self.at, self.at.pc.person
        match what:
            case "types the code":
                person.codes.put_nowait(shown_code(self.anna))
            case "says yes":
                at.yes.set()
            case "refuses" if dialog != "card_check":  # which asks for nothing
                person.pins = {PinKind.CURRENT: [None], PinKind.NEW: [None]}
                person.free.set()
            case "refuses":
                await self._hears(OperationFailed(*self._about(dialog), FailureCode.CARD_REMOVED))
                await at.cards.bridge.hub.cancel(at.chat, at.cards.now)  # or it went on
            case "is not sure":
                await self._hears(
                    OperationUnresolved(*self._about(dialog), FailureCode.OUTCOME_UNKNOWN)
                )
            case "finishes" if dialog != "card_check":
                person.free.set()
            case _:
                at.puts_in()

    def _about(self, dialog: str) -> tuple[int, str, CardTask]:
        return self.anna.person.id, "operation", _WORKS[dialog]

    async def _hears(self, event: BridgeEvent) -> None:
        """Let the hub tell what would take a card that breaks."""
        queue = self.anna.stage.kaika.application.update_queue
        queue.put_nowait(event)
        await queue.join()


def step_of(anna: Subscriber) -> Here:
    """Give the step whose buttons are on the screen."""
    data = next(data for data in data_of(shown(anna)) if data.startswith("v1:dlg:"))
    dialog, step, *_ = data.removeprefix("v1:dlg:").split(".")
    return dialog, step


async def with_card(cards: CardStage, life: str) -> Holder:
    """Give somebody whose life has come so far, with a virtual card that has a PIN."""
    holder = await cards.holder("issued", PIN, next(SEEDS))
    if life != "issued":
        await holder.is_posted(cards.now)
    if life not in ("issued", "posted"):
        await _activates(cards, holder, cards.now)
    if life == "suspended":
        await holder.suspends(cards.now)
    elif life == "revoked":
        await holder.is_revoked(cards.now)
    elif life == "expired":
        await expires(holder)
    return holder


async def _activates(cards: CardStage, holder: Holder, now: datetime) -> None:
    grant = await holder.granted(AuthorityOperation.ACTIVATE, Proof.CODE, now=now)
    authority, database = cards.office.authority, cards.office.database
    async with database.unit_of_work() as session:
        permit = await authority.cards.permit(session, grant.id, CHAT, now)
    async with database.unit_of_work() as session:
        await authority.cards.activate(session, permit, CHAT, now)
