"""The queue of calls to Telegram: what waits to be sent into topics and to subscribers.

Each ticket has lanes, within which calls are made in order. The words of a waiting message are
sealed. A call is begun in a transaction of its own before it is made, so that nobody joins more
words to it, and deleted when it is done; a process that ends in between makes it once more.
"""

import json
from collections.abc import Sequence
from dataclasses import replace
from datetime import datetime, timedelta

from sqlalchemy import delete, select, update
from sqlalchemy.ext.asyncio import AsyncSession

from services.desk.call_types import (
    SEND_MESSAGES,
    BegunCall,
    CallKind,
    MediaFile,
    PendingCall,
    Values,
    weigh,
)
from services.desk.models import DeskCall, Lane, payload_seal_context
from services.storage.database import lock_row
from services.storage.keys import KeyRing

_MAX_JOINED = 3000
"""Characters up to which texts are joined in one message."""
_FIRST_PLACE = 0
ALBUM_SETTLES = timedelta(seconds=1)
"""How long the rest of an album is waited for, whose messages come one after another."""


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
        call = await self._find_last(session, ticket_id, Lane.GROUP)
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

    async def join_album(
        self,
        session: AsyncSession,
        ticket_id: int,
        lane: Lane,
        album: str,
        message: int,
        text: str,
        now: datetime,
    ) -> bool:
        """Join a message to those of its album that wait last; `False` where none do.

        :param text: of media; else empty.
        """
        call = await self._find_last(session, ticket_id, lane)
        if call is None or call.attempts:
            return False
        reference = json.loads(call.reference)
        if reference["values"].get("album") != album or bool(call.payload) != bool(text):
            return False
        reference["messages"].append(message)
        call.reference = json.dumps(reference)
        if call.payload:
            call.payload = self._seal(call.id, (*self._unseal(call), text))
        call.not_before = max(call.not_before, now + ALBUM_SETTLES)
        return True

    async def let_go(
        self, session: AsyncSession, ticket_id: int, message: int, now: datetime
    ) -> Sequence[int]:
        """Have the held call with a message made; return all its messages, none if not held."""
        for call in await self._list_in(session, ticket_id, Lane.HELD):
            messages: list[int] = json.loads(call.reference)["messages"]
            if message in messages:
                call.lane, call.not_before = Lane.GROUP, now
                return messages
        return ()

    async def list_held_together(
        self, session: AsyncSession, ticket_id: int, message: int
    ) -> Sequence[int]:
        """Return the messages that are held together with one, itself included."""
        for call in await self._list_in(session, ticket_id, Lane.HELD):
            messages: list[int] = json.loads(call.reference)["messages"]
            if message in messages:
                return messages
        return ()

    async def replace_text(
        self, session: AsyncSession, ticket_id: int, message: int, html: str | None
    ) -> bool:
        """Replace or drop the words of a message that waits; `False` where it is under way."""
        waiting = (DeskCall.ticket_id == ticket_id, DeskCall.attempts == 0)
        for call in await session.scalars(select(DeskCall).where(*waiting)):
            reference = json.loads(call.reference)
            if call.kind not in SEND_MESSAGES or message not in reference["messages"]:
                continue
            place = reference["messages"].index(message)
            texts = list(self._unseal(call)) if call.payload else []
            if html is not None and call.kind == CallKind.MEDIA:
                changed = replace(MediaFile.from_text(texts[place]), caption=html)
                texts[place] = changed.to_text()
            elif html is not None and texts:
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
        query = select(*columns, DeskCall.not_before, DeskCall.reference)
        query = query.where(DeskCall.lane != Lane.HELD).order_by(DeskCall.place, DeskCall.id)
        heads: dict[tuple[int, str], PendingCall] = {}
        for number, ticket, lane, kind, not_before, reference in await session.execute(query):
            if (ticket, lane) not in heads:
                weight = weigh(CallKind(kind), reference)
                call = PendingCall(number, ticket, Lane(lane), CallKind(kind), not_before, weight)
                heads[(ticket, lane)] = call
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

    async def _find_last(
        self, session: AsyncSession, ticket_id: int, lane: Lane
    ) -> DeskCall | None:
        """Return the call of a lane that is made last."""
        is_in_lane = (DeskCall.ticket_id == ticket_id, DeskCall.lane == lane)
        query = select(DeskCall).where(*is_in_lane).order_by(DeskCall.place.desc())
        return (await session.scalars(query.order_by(DeskCall.id.desc()).limit(1))).first()

    async def _list_in(
        self, session: AsyncSession, ticket_id: int, lane: Lane
    ) -> Sequence[DeskCall]:
        is_in_lane = (DeskCall.ticket_id == ticket_id, DeskCall.lane == lane)
        return (await session.scalars(select(DeskCall).where(*is_in_lane))).all()

    def _seal(self, call_id: int, texts: Sequence[str]) -> bytes:
        plain = json.dumps(list(texts), ensure_ascii=False).encode()
        return self._keys.seal(plain, payload_seal_context(call_id))

    def _unseal(self, call: DeskCall) -> tuple[str, ...]:
        assert call.payload is not None
        return tuple(json.loads(self._keys.unseal(call.payload, payload_seal_context(call.id))))
