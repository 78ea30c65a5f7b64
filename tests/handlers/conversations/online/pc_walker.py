"""Paths to every step that needs a card, with a PC and a virtual card in its reader."""

import asyncio
from collections.abc import Iterator
from dataclasses import dataclass, field
from datetime import datetime

from handlers.engine.model import Step
from reader_bridge.prompter import PairingPeer, PinKind
from reader_bridge.protocol import FailureCode
from reader_bridge.protocol import ProgressStep as Waiting
from reader_bridge.virtual_card.card import VirtualCard
from services.authority.data_types import AuthorityOperation, Proof
from services.bridge.events import CardTaskFailed, CardTaskUnresolved
from services.bridge.operations.card_task import CardTask
from tests.bot_harness import ChatUser
from tests.handlers.conversations.online.bridge_harness import (
    NEW_PIN,
    PASSPHRASE,
    PIN,
    BridgeHarness,
    VirtualPc,
    read_pairing_code,
)
from tests.handlers.conversations.online.cardholders import Cardholder
from tests.handlers.conversations.online.path_planning import (
    WITH_A_CARD,
    PathEdge,
    Persona,
    StepId,
    find_edges,
)
from tests.handlers.conversations.online.step_walker import SEEDS, Walker, expire_certificates
from tests.handlers.engine.navigation import callback_data, press, step_message
from tests.services.authority.authority_harness import CHAT

_WORKS = {
    "activate": CardTask.ACTIVATE,
    "unlock": CardTask.UNLOCK,
    "change_pin": CardTask.CHANGE_PIN,
    "card_check": CardTask.CARD_STATUS,
}
_FINAL_STEPS = {
    "activate": "offer",
    "unlock": "offer",
    "change_pin": "done",
    "card_check": "report",
}
_REQUIRED_STATES = {
    "activate": "posted",
    "unlock": "active",
    "change_pin": "posted",
    "card_check": "posted",
}
"""The card state in which each operation is possible."""
_NOT_POSSIBLE = {
    "posted": "inactive", "suspended": "suspended", "revoked": "revoked", "expired": "expired",
}  # fmt: skip
_UNPAIRED_STEPS = ("pair", "compare", "confirmed", "parted", "paired")
"""Steps of a chat that is not paired, or was not until a moment ago."""


def pc_state_for(goal: StepId) -> str:
    """Return the PC's state at a step: ``unpaired``, ``away``, or else ``paired``."""
    return {"unlinked": "away", **dict.fromkeys(_UNPAIRED_STEPS, "unpaired")}.get(goal[1], "paired")


def find_edges_with_pc(
    pc_state: str, persona: Persona, step_id: StepId, step: Step
) -> Iterator[PathEdge]:
    """Yield what leads on from a step, also on the PC."""
    conversation, name = step_id
    after_pairing = {"pair": "paired", "activate": "who", "unlock": "who"}.get(conversation, "work")
    match name:
        case "ready" | "know" | "begin":
            yield from _first_step_edges(persona, step_id, step, pc_state)
        case "pair":
            yield PathEdge("pc:types the code", (conversation, "compare"), clears_history=True)
        case "compare":
            yield PathEdge("same", (conversation, "confirmed"), clears_history=True)
            yield PathEdge("other", (conversation, "parted"), clears_history=True)
        case "confirmed":
            yield PathEdge("pc:says yes", (conversation, after_pairing), clears_history=True)
        case "confirm" if persona.card_state in WITH_A_CARD:
            yield PathEdge(
                "start",
                (conversation, _target_of_start(persona, conversation)),
                clears_history=True,
            )
        case "work":
            yield from _work_step_edges(persona, conversation)
        case "failed":
            yield PathEdge("pc:is not sure", (conversation, "unresolved"), clears_history=True)
        case "who" | "code" | "verify" | "verify_mailed" | "offer":
            yield from find_edges(persona, step_id, step)


def _first_step_edges(
    persona: Persona, step_id: StepId, step: Step, pc_state: str
) -> Iterator[PathEdge]:
    conversation, name = step_id
    for button in step.buttons:
        if button.action is None:
            yield from find_edges(persona, step_id, Step(step.text, (button,)))
        elif pc_state != "paired":
            yield PathEdge(
                button.key, (conversation, "pair" if pc_state == "unpaired" else "unlinked")
            )
        elif conversation in ("activate", "unlock"):
            yield PathEdge(button.key, (conversation, "who"))
        elif name != "begin" and persona.card_state == _REQUIRED_STATES[conversation]:
            yield PathEdge(button.key, (conversation, "work"), clears_history=True)


def _target_of_start(persona: Persona, conversation: str) -> str:
    """Return where starting an operation leads, possibly to why it is not possible."""
    if persona.card_state == _REQUIRED_STATES[conversation]:
        return "work"
    if persona.card_state == "issued":
        return "waiting" if conversation == "activate" else "inactive"
    return _NOT_POSSIBLE.get(persona.card_state, "work")


def _work_step_edges(persona: Persona, conversation: str) -> Iterator[PathEdge]:
    if persona.card_state == _REQUIRED_STATES[conversation]:
        yield PathEdge(
            "pc:finishes", (conversation, _FINAL_STEPS[conversation]), clears_history=True
        )
        yield PathEdge("pc:refuses", (conversation, "failed"), clears_history=True)


@dataclass
class PcDriver:
    """A person with a PC that stays on for one path after the other.

    :ivar confirms_pairing: set while the pairing is confirmed without waiting.
    """

    bridge_harness: BridgeHarness
    anna: ChatUser
    pc: VirtualPc
    confirms_pairing: asyncio.Event = field(default_factory=asyncio.Event)

    def __post_init__(self) -> None:
        self.pc.person.confirm_pairing = self._confirm_pairing  # type: ignore[method-assign]

    async def _confirm_pairing(self, peer: PairingPeer) -> bool:
        self.pc.person.peers.append(peer)
        await self.confirms_pairing.wait()
        return True

    @property
    def chat(self) -> int:
        return self.anna.person.id

    @property
    def is_paired(self) -> bool:
        """Whether the PC is connected with the chat."""
        return self.bridge_harness.bridge.hub.status(self.chat).is_paired

    async def reset(self) -> None:
        """Leave the open conversation, and end what the PC is doing."""
        kaika = self.anna.harness.kaika
        if kaika.conversations.may_be_open(self.chat, self.chat):
            await press(self.anna, "cancel")
            await self.wait_until_idle()
        hub = self.bridge_harness.bridge.hub
        if hub.pairing_words(self.chat) is not None:
            await hub.answer_pairing(self.chat, self.bridge_harness.now, accepted=False)
        self.pc.person.may_type_pin.set()
        self.confirms_pairing.set()
        if hub.status(self.chat).running is not None:
            await self.unpair()

    async def unpair(self) -> None:
        if self.is_paired:
            await self.anna.says("/unpair")

    async def pair(self) -> None:
        if not self.is_paired:
            await self.anna.says("/pair")
            await press(self.anna, "code")
            await self.bridge_harness.pair(self.anna, self.pc)

    def lose_link(self) -> None:
        """Drop the link to the PC without a closing message."""
        chat = self.bridge_harness.bridge.hub._chats.find(self.chat)
        assert chat is not None
        assert chat.session is not None
        chat.session.transport, chat.session.lost_at = None, self.bridge_harness.now

    def hold_pin_prompts(self) -> None:
        """Leave PIN prompts waiting from now on."""
        self.pc.person.may_type_pin.clear()
        self.pc.person.pins = {PinKind.CURRENT: [PIN], PinKind.NEW: [NEW_PIN]}

    def remove_card(self) -> None:
        self.pc.reader.pull()
        if self.pc.card is not None:
            self.pc.card.close()
            self.pc.card = None

    def insert_card(self) -> None:
        assert self.pc.card is not None
        self.pc.reader.insert(self.pc.card)

    async def wait_until_idle(self) -> None:
        """Wait until the PC sends nothing more by itself."""
        waits = (Waiting.WAITING_FOR_PERSON, Waiting.WAITING_FOR_CARD)

        def is_waiting() -> bool:
            progress = self.bridge_harness.bridge.live_messages.progress(self.chat)
            if progress is not None:
                return progress.step in waits
            return self.bridge_harness.bridge.hub.status(self.chat).running is None

        await self.bridge_harness.wait_until(is_waiting)
        await self.bridge_harness.deliver()


@dataclass
class PcWalker(Walker):
    """Takes a person with a PC along a path."""

    driver: PcDriver = field(kw_only=True)

    async def cardholder(self) -> Cardholder:
        if self._cardholder is None and self.persona.card_state in WITH_A_CARD:
            self._cardholder = await create_cardholder_with_virtual_card(
                self.driver.bridge_harness, self.persona.card_state
            )
        return await super().cardholder()

    async def prepare(self, goal: StepId) -> None:
        """Set up PC, card and pairing as the path to a step needs them."""
        driver, pc_state = self.driver, pc_state_for(goal)
        await driver.reset()
        if pc_state == "unpaired":
            await driver.unpair()
            driver.confirms_pairing.clear()
        else:
            await driver.pair()
            await driver.reset()
        if pc_state == "away":
            driver.lose_link()
        driver.hold_pin_prompts()
        driver.remove_card()
        if self.persona.card_state in WITH_A_CARD:
            holder = await self.cardholder()
            driver.pc.card = VirtualCard.insert(holder.card_file, PASSPHRASE)
            if self.persona.card_state == _REQUIRED_STATES[goal[0]] and goal[0] != "card_check":
                driver.insert_card()  # otherwise the PC waits for it

    async def walk(self, path: list[PathEdge]) -> None:
        for edge in path:
            await super().walk([edge])
            if edge.target[1] == "work":
                await self.driver.wait_until_idle()

    async def perform(self, action: str) -> None:
        if not action.startswith("pc:"):
            await super().perform(action)
            return
        before = shown_step(self.anna)
        await self._perform_at_pc(action.removeprefix("pc:"), before[0])
        try:
            await self.driver.bridge_harness.wait_until(lambda: shown_step(self.anna) != before)
        except AssertionError as error:
            error.add_note(f"{action} at {before}")
            raise
        self.driver.hold_pin_prompts()
        if before[0] == "card_check":
            self.driver.pc.reader.pull()  # or the next check ends before it can be interrupted

    async def _perform_at_pc(self, action: str, conversation: str) -> None:
        driver, person = self.driver, self.driver.pc.person
        match action:
            case "types the code":
                person.codes.put_nowait(read_pairing_code(self.anna))
            case "says yes":
                driver.confirms_pairing.set()
            case "refuses" if conversation != "card_check":  # which asks for nothing
                person.pins = {PinKind.CURRENT: [None], PinKind.NEW: [None]}
                person.may_type_pin.set()
            case "refuses":
                await driver.bridge_harness.deliver(
                    CardTaskFailed(*self._event_fields(conversation), FailureCode.CARD_REMOVED)
                )
                # the operation would go on otherwise
                await driver.bridge_harness.bridge.hub.cancel(
                    driver.chat, driver.bridge_harness.now
                )
            case "is not sure":
                await driver.bridge_harness.deliver(
                    CardTaskUnresolved(
                        *self._event_fields(conversation), FailureCode.OUTCOME_UNKNOWN
                    )
                )
            case "finishes" if conversation != "card_check":
                person.may_type_pin.set()
            case _:
                driver.insert_card()

    def _event_fields(self, conversation: str) -> tuple[int, str, CardTask]:
        return self.anna.person.id, "operation", _WORKS[conversation]


def shown_step(anna: ChatUser) -> StepId:
    """Return the step whose buttons are on the screen."""
    data = next(data for data in callback_data(step_message(anna)) if data.startswith("v1:dlg:"))
    conversation, step, *_ = data.removeprefix("v1:dlg:").split(".")
    return conversation, step


async def create_cardholder_with_virtual_card(
    bridge_harness: BridgeHarness, card_state: str
) -> Cardholder:
    """Create a person whose card, a virtual one with a PIN, has come as far as `card_state`."""
    holder = await bridge_harness.cardholder("issued", PIN, next(SEEDS))
    if card_state != "issued":
        await holder.is_posted(bridge_harness.now)
    if card_state not in ("issued", "posted"):
        await _activate(bridge_harness, holder, bridge_harness.now)
    if card_state == "suspended":
        await holder.suspends(bridge_harness.now)
    elif card_state == "revoked":
        await holder.is_revoked(bridge_harness.now)
    elif card_state == "expired":
        await expire_certificates(holder)
    return holder


async def _activate(bridge_harness: BridgeHarness, holder: Cardholder, now: datetime) -> None:
    grant = await holder.obtain_grant(AuthorityOperation.ACTIVATE, Proof.CODE, now=now)
    authority, database = bridge_harness.office.authority, bridge_harness.office.database
    async with database.unit_of_work() as session:
        operation = AuthorityOperation.ACTIVATE
        permit, _ = await authority.cards.permit(session, grant.id, operation, CHAT, now)
    async with database.unit_of_work() as session:
        await authority.cards.activate(session, permit, CHAT, now)
