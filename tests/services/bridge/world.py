"""An authority, its hub, a clock, people with cards and PCs; and what cuts them off."""

import asyncio
import json
from dataclasses import dataclass, field
from datetime import datetime, timedelta
from typing import Any, TypeVar

from sqlalchemy import select

from services.authority.embedded.models import AuditEntry
from services.authority.values import AuthorityOperation, Proof
from services.bridge.events import BridgeEvent, OperationEvent
from services.bridge.hub import Hub
from services.bridge.models import BridgeRelease
from services.bridge.operations.task import CardTask
from tests.services.authority.world import CHAT, NOW, Someone, World
from tests.services.bridge.card import Card
from tests.services.bridge.pc import Pc
from tests.services.bridge.said import ORIGIN, Message

_Event = TypeVar("_Event", bound=BridgeEvent)


class Killed(BaseException):
    """The server's process ends here."""


@dataclass
class Scissors:
    """Cuts at the `at`-th message that is carried, counted from when they are taken up.

    :ivar kills: the server dies; otherwise the link is lost.
    :ivar arrives: whether that message still comes to where it was sent.
    """

    at: int
    kills: bool
    arrives: bool
    count: int = 0
    cut: bool = False

    def hit(self) -> bool:
        self.count += 1
        self.cut = self.cut or self.count == self.at
        return self.count == self.at


@dataclass
class BridgeWorld:
    """Everything but the network."""

    world: World
    now: datetime = NOW
    events: list[BridgeEvent] = field(default_factory=list)
    hub: Hub = field(init=False)
    scissors: Scissors | None = None

    def __post_init__(self) -> None:
        self.build()

    def build(self) -> None:
        """Put a hub together, as a process does at its start."""
        self.hub = self.another_hub()

    def another_hub(self, origin: str = ORIGIN) -> Hub:
        authority = self.world.authority
        return Hub(self.world.database, self.world.keys, authority, origin, self.events.append)

    async def restart(self) -> None:
        """Lose everything that was in memory and every write under way, and begin again."""
        writing = self.hub._write_behind._task
        if writing is not None and not writing.done():
            writing.cancel()
            await asyncio.wait((writing,))
        self.build()
        await self.hub.restore(self.now)

    async def passes(self, **time: float) -> None:
        """Let time pass, and the hub be tended at its end."""
        self.now += timedelta(**time)
        await self.hub.check_deadlines(self.now)

    # ---- what is carried

    async def carries(self, pc: Pc, frame: str) -> None:
        """Carry a frame to the server."""
        if self.scissors is None or not self.scissors.hit():
            await pc.arrives(frame)
            return
        if self.scissors.arrives:
            await pc.arrives(frame)
        if self.scissors.kills:
            raise Killed
        await pc.loses_link()

    def carried(self, pc: Pc, message: Message) -> None:
        """See a frame come from the server."""
        if self.scissors is None or message["seq"] == 0 or not self.scissors.hit():
            return
        if self.scissors.kills:
            raise Killed
        self.lost = pc
        pc.wire = None  # the frame is lost, and the server hears of it later

    # ---- people

    async def person(self, seed: int = 1) -> tuple[Someone, Card]:
        """Give a person whose card lies in their letter box."""
        someone = self.world.person(seed)
        await someone.applies()
        await someone.pays()
        await someone.is_issued()
        await someone.is_posted()
        return someone, Card(self.world.maker.orders[-1])

    async def grant(self, someone: Someone, work: CardTask, chat: int = CHAT) -> str:
        operation = AuthorityOperation(work)
        return (await someone.granted(operation, Proof.CODE, chat=chat, now=self.now)).id

    async def paired_pc(self, card: Card | None, chat: int = CHAT) -> Pc:
        """Give a PC whose bridge is paired with a chat."""
        pc = Pc(self, card)
        await pc.dials()
        await self.pairs(pc, chat)
        return pc

    async def pairs(self, pc: Pc, chat: int = CHAT) -> None:
        code = await self.hub.issue_pairing_code(chat, chat, "Anna Nguyễn", self.now)
        await pc.types(code.code.reveal())
        await self.hub.answer_pairing(chat, self.now, accepted=True)
        await pc.works()
        assert pc.secret is not None

    # ---- what came of it

    def told(self, kind: type[_Event]) -> list[_Event]:
        return [event for event in self.events if isinstance(event, kind)]

    async def chats_were_told(self) -> None:
        """Have every chat look at what it heard."""
        for event in self.told(OperationEvent):
            await self.hub.acknowledge_end(event.operation_id)
        self.events.clear()

    async def card_steps(self) -> list[str]:
        """Give the steps of card work in the audit, in order."""
        query = select(AuditEntry.details).where(AuditEntry.act == "card_work")
        async with self.world.database.unit_of_work() as session:
            rows = await session.scalars(query.order_by(AuditEntry.number))
            details: list[dict[str, Any]] = [json.loads(row) for row in rows]
        return [entry["step"] for entry in details]

    async def releases(self) -> list[str]:
        """Give the serials of the cards for which a cryptogram left."""
        async with self.world.database.unit_of_work() as session:
            return list(await session.scalars(select(BridgeRelease.card_serial)))

    async def certificates_of(self, someone: Someone) -> str | None:
        shown = await self.world.counter.show(someone.ui_number, self.now)
        return shown.timeline.certificate
