"""The queue of calls to Telegram: what waits to be sent into topics and to subscribers.

Each ticket has lanes, within which calls are made in order. The words of a waiting message are
sealed. A call is begun in a transaction of its own before it is made, so that nobody joins more
words to it, and deleted when it is done; a process that ends in between makes it once more.
"""

import json
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from datetime import datetime
from enum import StrEnum

from sqlalchemy import delete, select, update
from sqlalchemy.ext.asyncio import AsyncSession

from services.desk.models import DeskCall, Lane, payload_seal_context
from services.storage.database import lock_row
from services.storage.keys import KeyRing

_MAX_JOINED = 3000
"""Characters up to which texts are joined in one message."""
_FIRST_PLACE = 0

Values = Mapping[str, str | int]


class CallKind(StrEnum):
    """Kind of a call."""

    APPEAR = "appear"
    """Nothing but the topic itself, where nothing is written yet."""
    TEXT = "text"
    COPY = "copy"
    EDIT = "edit"
    DELETE = "delete"
    NOTICE = "notice"
    """Something that the bot itself says."""
    CARD = "card"
    """The buttons of the first message of a topic, as the ticket is now."""
    CLOSE = "close"
    REOPEN = "reopen"
    REACT = "react"
    DELETE_TOPIC = "delete_topic"


@dataclass(frozen=True)
class PendingCall:
    """A call that waits, without its words."""

    id: int
    ticket_id: int
    lane: Lane
    kind: CallKind
    not_before: datetime


@dataclass(frozen=True)
class BegunCall:
    """A call that is being made.

    :ivar messages: ids of the `TicketMessage` rows that it sends or concerns.
    :ivar name: of a notice.
    :ivar values: of a notice, or ids.
    :ivar texts: the words as Telegram HTML.
    """

    id: int
    ticket_id: int
    lane: Lane
    kind: CallKind
    messages: tuple[int, ...]
    name: str
    values: Values
    texts: tuple[str, ...]
    attempts: int


class CallQueue:
    """The queue, in the database.

    :param keys: seal the words.
    """

    def __init__(self, keys: KeyRing) -> None:
        self._keys = keys

    async def add(
        self,
        session: AsyncSession,
        ticket_id: int,
        lane: Lane,
        kind: CallKind,
        now: datetime,
        *,
        messages: Sequence[int] = (),
        name: str = "",
        values: Values | None = None,
        texts: Sequence[str] = (),
        is_first: bool = False,
        not_before: datetime | None = None,
    ) -> None:
        """Add a call.

        :param is_first: whether it comes before everything that waits in its lane.
        """
        reference = {"messages": list(messages), "name": name, "values": dict(values or {})}
        call = DeskCall(
            ticket_id=ticket_id,
            lane=lane,
            kind=kind,
            reference=json.dumps(reference),
            at=now,
            not_before=not_before or now,
        )
        if is_first:
            call.place = _FIRST_PLACE
        session.add(call)
        await session.flush()
        if texts:
            call.payload = self._seal(call.id, texts)

    async def add_once(
        self, session: AsyncSession, ticket_id: int, kind: CallKind, now: datetime
    ) -> None:
        """Add a call for upkeep, unless the same waits already."""
        waiting = (DeskCall.ticket_id == ticket_id, DeskCall.kind == kind, DeskCall.attempts == 0)
        if (await session.execute(select(DeskCall.id).where(*waiting))).first() is None:
            await self.add(session, ticket_id, Lane.UPKEEP, kind, now)

    async def let_appear(self, session: AsyncSession, ticket_id: int) -> None:
        """Have a topic appear without waiting, since there is something to be shown in it."""
        waiting = (DeskCall.ticket_id == ticket_id, DeskCall.kind == CallKind.APPEAR)
        await session.execute(delete(DeskCall).where(*waiting, DeskCall.attempts == 0))

    async def join_text(
        self, session: AsyncSession, ticket_id: int, message: int, html: str, now: datetime
    ) -> bool:
        """Join a text for the topic to the text that waits last; `False` where none does."""
        is_in_lane = (DeskCall.ticket_id == ticket_id, DeskCall.lane == Lane.GROUP)
        query = select(DeskCall).where(*is_in_lane).order_by(DeskCall.place.desc())
        call = (await session.scalars(query.order_by(DeskCall.id.desc()).limit(1))).first()
        if call is None or call.kind != CallKind.TEXT or call.attempts or call.payload is None:
            return False
        texts = self._unseal(call)
        reference = json.loads(call.reference)
        if reference["values"] or sum(map(len, texts)) + len(html) > _MAX_JOINED:
            return False
        reference["messages"].append(message)
        call.reference = json.dumps(reference)
        call.payload = self._seal(call.id, (*texts, html))
        return True

    async def replace_text(
        self, session: AsyncSession, ticket_id: int, message: int, html: str | None
    ) -> bool:
        """Replace or drop the words of a message that waits; `False` where it is under way."""
        waiting = (DeskCall.ticket_id == ticket_id, DeskCall.attempts == 0)
        for call in await session.scalars(select(DeskCall).where(*waiting)):
            reference = json.loads(call.reference)
            if call.kind not in (CallKind.TEXT, CallKind.COPY):
                continue
            if message not in reference["messages"]:
                continue
            place = reference["messages"].index(message)
            texts = list(self._unseal(call)) if call.payload else []
            if html is not None and texts:
                texts[place] = html
            elif html is None:
                del reference["messages"][place]
                del texts[place : place + 1]
            if not reference["messages"]:
                await session.delete(call)
            else:
                call.reference = json.dumps(reference)
                call.payload = self._seal(call.id, texts) if texts else None
            return True
        return False

    async def list_heads(self, session: AsyncSession) -> Sequence[PendingCall]:
        """Return the first call of each lane of each ticket."""
        columns = (DeskCall.id, DeskCall.ticket_id, DeskCall.lane, DeskCall.kind)
        query = select(*columns, DeskCall.not_before).order_by(DeskCall.place, DeskCall.id)
        heads: dict[tuple[int, str], PendingCall] = {}
        for row in await session.execute(query):
            call = PendingCall(row[0], row[1], Lane(row[2]), CallKind(row[3]), row[4])
            heads.setdefault((call.ticket_id, call.lane), call)
        return list(heads.values())

    async def begin(self, session: AsyncSession, call_id: int) -> BegunCall | None:
        """Begin a call; `None` where it is no longer there."""
        row = await lock_row(session, DeskCall, call_id)
        if row is None:
            return None
        row.attempts += 1
        reference = json.loads(row.reference)
        return BegunCall(
            id=row.id,
            ticket_id=row.ticket_id,
            lane=Lane(row.lane),
            kind=CallKind(row.kind),
            messages=tuple(reference["messages"]),
            name=reference["name"],
            values=reference["values"],
            texts=self._unseal(row) if row.payload else (),
            attempts=row.attempts,
        )

    async def take_texts(self, session: AsyncSession, ticket_id: int) -> BegunCall | None:
        """Begin the first call for the topic if it is a text, to be sent with the first message."""
        is_head = (DeskCall.ticket_id == ticket_id, DeskCall.lane == Lane.GROUP)
        query = select(DeskCall).where(*is_head).order_by(DeskCall.place, DeskCall.id).limit(1)
        head = (await session.scalars(query)).first()
        if head is None or head.kind != CallKind.TEXT:
            return None
        return await self.begin(session, head.id)

    async def finish(self, session: AsyncSession, call_id: int) -> None:
        """Delete a call that was made, with its words."""
        await session.execute(delete(DeskCall).where(DeskCall.id == call_id))

    async def postpone(
        self, session: AsyncSession, call_id: int, until: datetime, *, was_refused: bool = False
    ) -> None:
        """Make a call later.

        :param was_refused: whether Telegram did not take it, so that nothing was sent.
        """
        later: dict[str, object] = {"not_before": until}
        if was_refused:
            later["attempts"] = 0
        await session.execute(update(DeskCall).where(DeskCall.id == call_id).values(**later))

    async def drop(self, session: AsyncSession, ticket_id: int, *lanes: Lane) -> None:
        """Delete the calls of a ticket in some lanes."""
        is_in_lane = (DeskCall.ticket_id == ticket_id, DeskCall.lane.in_(lanes))
        await session.execute(delete(DeskCall).where(*is_in_lane))

    def _seal(self, call_id: int, texts: Sequence[str]) -> bytes:
        plain = json.dumps(list(texts), ensure_ascii=False).encode()
        return self._keys.seal(plain, payload_seal_context(call_id))

    def _unseal(self, call: DeskCall) -> tuple[str, ...]:
        assert call.payload is not None
        return tuple(json.loads(self._keys.unseal(call.payload, payload_seal_context(call.id))))
