"""A hub with its authority, a clock, people with cards and PCs, and ways to interrupt them."""

import json
from dataclasses import dataclass, field
from datetime import datetime, timedelta
from typing import Any, TypeVar

from sqlalchemy import select

from services.authority.data_types import AuthorityOperation, Proof
from services.authority.embedded.models import AuditEntry
from services.bridge.events import BridgeEvent, CardTaskEvent
from services.bridge.hub import Hub
from services.bridge.models import CryptogramReleaseRow
from services.bridge.operations.card_task import CardTask
from services.clock import ClockReading, steady_time
from tests.services.authority.authority_harness import CHAT, NOW, Applicant, AuthorityHarness
from tests.services.bridge.reference_bridge import ReferenceBridge
from tests.services.bridge.reference_card import ReferenceCard
from tests.services.bridge.wire_format import ORIGIN, Message

_Event = TypeVar("_Event", bound=BridgeEvent)


class ServerKilled(BaseException):
    """The server's process is killed here."""


@dataclass
class MessageCutter:
    """Interrupts at the `at`-th message that is carried.

    :ivar kills: the server dies; otherwise the link is lost.
    :ivar arrives: whether that message still comes to where it was sent.
    """

    at: int
    kills: bool
    arrives: bool
    count: int = 0
    has_cut: bool = False

    def is_reached(self) -> bool:
        self.count += 1
        self.has_cut = self.has_cut or self.count == self.at
        return self.count == self.at


@dataclass
class HubHarness:
    """A hub and its surroundings without a network."""

    authority_world: AuthorityHarness
    now: datetime = NOW
    passed: timedelta = timedelta()
    wall_error: timedelta = timedelta(hours=1)
    events: list[BridgeEvent] = field(default_factory=list)
    hub: Hub = field(init=False)
    cutter: MessageCutter | None = None

    def __post_init__(self) -> None:
        self.build()

    def build(self) -> None:
        """Make a new hub, as a process does at its start."""
        self.hub = self.another_hub()

    def another_hub(self, origin: str = ORIGIN) -> Hub:
        authority = self.authority_world.authority
        return Hub(
            self.authority_world.database,
            self.authority_world.keys,
            authority,
            origin,
            self.events.append,
        )

    async def restart(self) -> None:
        """Lose everything in memory and every write in progress, and start again."""
        self.hub._write_behind._tasks.cancel()
        await self.hub._write_behind._tasks.wait()
        self.build()
        self.now = steady_time(self.now)  # where the wall clock is right again
        await self.hub.restore(self.now)

    async def passes(self, **time: float) -> None:
        """Let time pass, and have the hub check its deadlines at the end.

        The wall clock is set to another time meanwhile, which nothing here may depend on.
        """
        self.passed += timedelta(**time)
        self.wall_error = -self.wall_error
        steady = NOW + self.passed
        self.now = ClockReading.of(steady + self.wall_error, steady)
        await self.hub.check_deadlines(self.now)

    # ---- what is carried

    async def carries(self, pc: ReferenceBridge, frame: str) -> None:
        """Send a frame to the server."""
        if self.cutter is None or not self.cutter.is_reached():
            await pc.arrives(frame)
            return
        if self.cutter.arrives:
            await pc.arrives(frame)
        if self.cutter.kills:
            raise ServerKilled
        await pc.loses_link()

    def carried(self, pc: ReferenceBridge, message: Message) -> None:
        """Note a frame from the server, and interrupt there if it is time."""
        if self.cutter is None or message["seq"] == 0 or not self.cutter.is_reached():
            return
        if self.cutter.kills:
            raise ServerKilled
        self.lost = pc
        pc.wire = None  # the frame is lost, and the server hears of it later

    # ---- people

    async def person(self, seed: int = 1) -> tuple[Applicant, ReferenceCard]:
        """Return a person whose card has arrived by post."""
        someone = self.authority_world.person(seed)
        await someone.applies()
        await someone.pays()
        await someone.is_issued()
        await someone.is_posted()
        return someone, ReferenceCard(self.authority_world.maker.orders[-1])

    async def grant(self, someone: Applicant, work: CardTask, chat: int = CHAT) -> str:
        operation = AuthorityOperation(work)
        return (await someone.obtain_grant(operation, Proof.CODE, chat=chat, now=self.now)).id

    async def paired_pc(self, card: ReferenceCard | None, chat: int = CHAT) -> ReferenceBridge:
        """Return a PC whose bridge is paired with a chat."""
        pc = ReferenceBridge(self, card)
        await pc.dials()
        await self.pairs(pc, chat)
        return pc

    async def pairs(self, pc: ReferenceBridge, chat: int = CHAT) -> None:
        code = await self.hub.issue_pairing_code(chat, chat, "Anna Nguyễn", self.now)
        await pc.types(code.code.reveal())
        await self.hub.answer_pairing(chat, self.now, accepted=True)
        await pc.works()
        assert pc.secret is not None

    # ---- what came of it

    def events_of(self, kind: type[_Event]) -> list[_Event]:
        return [event for event in self.events if isinstance(event, kind)]

    async def acknowledge_ends(self) -> None:
        """Acknowledge every end as shown, and clear the events."""
        for event in self.events_of(CardTaskEvent):
            await self.hub.acknowledge_end(event.operation_id)
        self.events.clear()

    async def card_steps(self) -> list[str]:
        """Return the steps of PIN operations in the audit, in order."""
        query = select(AuditEntry.details).where(AuditEntry.act == "card_work")
        async with self.authority_world.database.unit_of_work() as session:
            rows = await session.scalars(query.order_by(AuditEntry.number))
            details: list[dict[str, Any]] = [json.loads(row) for row in rows]
        return [entry["step"] for entry in details]

    async def releases(self) -> list[str]:
        """Return the serials of the cards with a released cryptogram."""
        async with self.authority_world.database.unit_of_work() as session:
            return list(await session.scalars(select(CryptogramReleaseRow.card_serial)))

    async def certificate_state(self, someone: Applicant) -> str | None:
        shown = await self.authority_world.counter.show(someone.ui_number, self.now)
        return shown.timeline.certificate
