"""The board: one message in General that lists the tickets whose topics have to wait.

Where many people ask at the same time, their topics take minutes to appear. The board lists all of
them within seconds, and a ticket that is taken from it comes next.
"""

from collections.abc import Sequence
from datetime import datetime, timedelta
from typing import Any

import structlog
from sqlalchemy import select, update
from sqlalchemy.ext.asyncio import AsyncSession
from telegram import InlineKeyboardMarkup
from telegram.constants import ParseMode
from telegram.error import BadRequest
from telegram.ext import ExtBot

from handlers.desk.topic_texts import ROUTE
from handlers.screen.text import Markup, label, say
from handlers.screen.view import Keyboard, button
from handlers.start import own_name
from services.calendar import TAIPEI
from services.desk.desk import SupportDesk
from services.desk.models import DeskCall, Lane, StaffGroup, Ticket
from services.desk.ticket_states import TicketState
from services.storage.database import Database

SHOWN_FROM = 11
"""Tickets without a topic from which the board is shown."""
_CHANGED_EVERY = timedelta(seconds=15)
_MAX_LISTED = 100
"""As many buttons as Telegram takes under a message."""
_BUTTONS_IN_ROW = 6

_log = structlog.get_logger()


class TicketBoard:
    """Shows and changes the board, one call at a time."""

    def __init__(self, desk: SupportDesk, database: Database, bot: ExtBot[Any]) -> None:
        self._desk = desk
        self._database = database
        self._bot = bot
        self._shown: tuple[int, ...] | None = None
        """Ids of the tickets that the board lists; `None` where that is not known."""
        self._changed_at: datetime | None = None

    async def find_change(self, session: AsyncSession, moment: datetime) -> bool:
        """Whether the board has to be changed now.

        :param moment: by the steady clock.
        """
        if self._changed_at is not None and moment < self._changed_at + _CHANGED_EVERY:
            return False
        ids = tuple(ticket.id for ticket in await _list_hidden(session))
        if await self._find_message(session) is None:
            return len(ids) >= SHOWN_FROM
        return ids != self._shown

    async def show(self, moment: datetime) -> None:
        """Send, change or delete the board.

        :raises TelegramError: where the group cannot be written to.
        """
        self._changed_at = moment
        async with self._database.unit_of_work() as session:
            tickets = await _list_hidden(session)
            message_id = await self._find_message(session)
        try:
            message_id = await self._call(tickets, message_id)
        except BadRequest as error:
            words = error.message.lower()
            if "message" not in words:  # it is not about the board, but about the group
                raise
            if "not modified" not in words:
                message_id = None  # deleted by hand: sent anew next time
        self._shown = tuple(ticket.id for ticket in tickets)
        async with self._database.unit_of_work() as session:
            await session.execute(update(StaffGroup).values(board_message_id=message_id))

    async def _call(self, tickets: Sequence[Ticket], message_id: int | None) -> int | None:
        group, language = self._desk.group_id, self._desk.language
        assert group is not None
        if not tickets:
            if message_id is not None:
                await self._bot.delete_message(group, message_id, rate_limit_args=True)
            return None
        text, keyboard = _board_text(tickets, language), _board_keyboard(tickets, language)
        options: dict[str, Any] = {"parse_mode": ParseMode.HTML, "reply_markup": keyboard}
        if message_id is not None:
            await self._bot.edit_message_text(
                text, group, message_id, rate_limit_args=True, **options
            )
            return message_id
        sent = await self._bot.send_message(group, text, rate_limit_args=True, **options)
        return sent.message_id

    async def _find_message(self, session: AsyncSession) -> int | None:
        return (await session.execute(select(StaffGroup.board_message_id))).scalar()


async def _list_hidden(session: AsyncSession) -> Sequence[Ticket]:
    """Return the tickets that wait without a topic and have something to be shown."""
    written = select(DeskCall.ticket_id).where(DeskCall.lane == Lane.GROUP)
    is_hidden = (Ticket.state == TicketState.WAITING, Ticket.topic_id.is_(None))
    query = select(Ticket).where(*is_hidden, Ticket.id.in_(written))
    query = query.order_by(Ticket.is_lost_card.desc(), Ticket.waits_since, Ticket.id)
    return (await session.scalars(query)).all()


def _board_text(tickets: Sequence[Ticket], language: str) -> Markup:
    head = say(
        language,
        "📋 <b>{count} people are waiting.</b> Their topics appear one after another; take one to "
        "have it next.",
        count=len(tickets),
    )
    lines = [_ticket_line(ticket) for ticket in tickets[:_MAX_LISTED]]
    left = len(tickets) - _MAX_LISTED
    if left > 0:
        lines.append(say(language, "… and {count} more", count=left))
    return Markup("\n".join([head, "", *lines]))


def _ticket_line(ticket: Ticket) -> str:
    mark = "🚨 " if ticket.is_lost_card else ""
    since = f"{ticket.waits_since.astimezone(TAIPEI):%H:%M}"
    return f"{mark}#{ticket.id} · {since} · {own_name(ticket.language)}"


def _board_keyboard(tickets: Sequence[Ticket], language: str) -> InlineKeyboardMarkup:
    buttons = [
        button(label(language, "🙋 #{number}", number=ticket.id), ROUTE, "take", str(ticket.id))
        for ticket in tickets[:_MAX_LISTED]
    ]
    rows = range(0, len(buttons), _BUTTONS_IN_ROW)
    return Keyboard([buttons[start : start + _BUTTONS_IN_ROW] for start in rows])
