"""The calls to subscribers: answers of the staff, their changes, and what became of a ticket."""

from collections.abc import Callable, Sequence
from datetime import datetime
from typing import Any

import structlog
from sqlalchemy.ext.asyncio import AsyncSession
from telegram import (
    InlineKeyboardButton,
    InlineKeyboardMarkup,
    LinkPreviewOptions,
    ReplyParameters,
)
from telegram.constants import ParseMode
from telegram.error import BadRequest, Forbidden
from telegram.ext import ExtBot

from handlers.context import Services
from handlers.desk import library_answers, subscriber_texts, topic_texts
from handlers.engine.rendering import ROUTE, SHOW
from handlers.screen.text import label
from handlers.screen.view import button, send_to, view
from services.desk.call_types import BegunCall, CallKind, PendingCall
from services.desk.desk import SupportDesk
from services.desk.mirror import CAPTION
from services.desk.models import Lane, MessageState, Ticket, TicketMessage
from services.storage.database import Database

_GIVES_BACK = frozenset({"resolved", "expired", "waits_again"})
"""Notices after which the bot talks again."""
_UNCHANGED = "not modified"
_NOT_FOUND = "to delete not found"
"""The subscriber has deleted it themselves."""
_NOWHERE = "its copy is not known"

_log = structlog.get_logger()


class SubscriberCaller:
    """Makes calls to the private chats of subscribers.

    :param get_services: returns the services that handlers use.
    """

    def __init__(
        self,
        desk: SupportDesk,
        database: Database,
        bot: ExtBot[Any],
        get_services: Callable[[], Services],
    ) -> None:
        self._desk = desk
        self._database = database
        self._bot = bot
        self._get_services = get_services

    async def make(self, chosen: PendingCall, now: datetime) -> None:
        """Make a call, and note what became of it.

        :raises NetworkError: where it may succeed later.
        :raises RetryAfter: where Telegram refuses for now.
        """
        async with self._database.unit_of_work() as session:
            call = await self._desk.calls.begin(session, chosen.id)
            ticket = await self._desk.tickets.find(session, chosen.ticket_id)
            rows = await self._desk.mirror.load(session, call.messages) if call else []
        if call is None or ticket is None:
            return
        sent: list[int] = []
        problem = ""
        try:
            sent = await self._send(ticket, call, rows)
        except Forbidden:
            problem = "blocked"
        except BadRequest as error:
            problem = _find_problem(call, error)
        async with self._database.unit_of_work() as session:
            await self._desk.calls.finish(session, call.id)
            await self._note(session, ticket, call, rows, sent, problem, now)

    async def _send(
        self, ticket: Ticket, call: BegunCall, rows: Sequence[TicketMessage]
    ) -> list[int]:
        """Return the ids of the messages that were sent."""
        if call.kind is CallKind.NOTICE:
            await self._send_notice(ticket, call)
            return []
        if not rows:
            return []
        row, chat = rows[0], ticket.chat_id
        match call.kind:
            case CallKind.TEXT:
                message = await self._bot.send_message(
                    chat,
                    call.texts[0],
                    parse_mode=ParseMode.HTML,
                    reply_parameters=await self._find_reply(call),
                    reply_markup=self._keyboard(call),
                    link_preview_options=LinkPreviewOptions(is_disabled=True),
                    rate_limit_args=True,
                )
                return [message.message_id]
            case CallKind.COPY if len(rows) > 1:
                return await self._copy_album(chat, rows)
            case CallKind.COPY:
                assert self._desk.group_id is not None
                copied = await self._bot.copy_message(
                    chat,
                    self._desk.group_id,
                    row.source_message_id,
                    reply_parameters=await self._find_reply(call),
                    rate_limit_args=True,
                )
                return [copied.message_id]
            case CallKind.EDIT if row.copy_message_id is not None:
                await edit_copy(self._bot, chat, row.copy_message_id, call.texts[0], call)
            case CallKind.DELETE:
                await self._delete(chat, rows)
        return []

    async def _copy_album(self, chat: int, rows: Sequence[TicketMessage]) -> list[int]:
        assert self._desk.group_id is not None
        copied = await self._bot.copy_messages(
            chat,
            self._desk.group_id,
            [row.source_message_id for row in rows],
            rate_limit_args=True,
        )
        return [each.message_id for each in copied]

    async def _delete(self, chat: int, rows: Sequence[TicketMessage]) -> None:
        """Delete copies; they go together, as those of an album do."""
        copies = [row.copy_message_id for row in rows if row.copy_message_id is not None]
        if not copies:
            raise BadRequest(_NOWHERE)
        await self._bot.delete_message(chat, copies[0], rate_limit_args=True)
        if copies[1:]:  # the first one would have said that they are too old
            await self._bot.delete_messages(chat, copies[1:], rate_limit_args=True)

    def _keyboard(self, call: BegunCall) -> InlineKeyboardMarkup | None:
        """Return the buttons below an answer of the library; below words there are none."""
        if not call.name:
            return None
        return library_answers.subscriber_keyboard(self._get_services(), call.name, call.values)

    async def _send_notice(self, ticket: Ticket, call: BegunCall) -> None:
        services = self._get_services()
        language = services.languages.resolve(ticket.chat_id, ticket.language)
        shown = subscriber_texts.notice_view(call.name, call.values, language)
        rows = subscriber_texts.notice_rows(call.name, ticket.id, language)
        if call.name in _GIVES_BACK:
            rows += await self._resume_rows(services, ticket, language)
        shown = view(shown.texts[0], *rows)
        await send_to(self._bot, ticket.chat_id, shown)

    async def _resume_rows(
        self, services: Services, ticket: Ticket, language: str
    ) -> list[list[InlineKeyboardButton]]:
        """Return the button back to the step that the person was at, if they were at one."""
        async with self._database.unit_of_work() as session:
            state = await services.conversations.find(session, ticket.chat_id, ticket.chat_id)
        if state is None or not state.is_open or state.is_expired(services.now()):
            return []
        parts = (state.conversation, state.step, str(state.version), SHOW)
        return [[button(label(language, "▶️ Continue"), ROUTE, *parts)]]

    async def _find_reply(self, call: BegunCall) -> ReplyParameters | None:
        if "reply_to" not in call.values:
            return None
        async with self._database.unit_of_work() as session:
            found = await self._desk.mirror.find_counterpart(
                session, call.ticket_id, int(call.values["reply_to"]), in_group=True
            )
        return ReplyParameters(found, allow_sending_without_reply=True) if found else None

    async def _note(
        self,
        session: AsyncSession,
        ticket: Ticket,
        call: BegunCall,
        rows: Sequence[TicketMessage],
        sent: Sequence[int],
        problem: str,
        now: datetime,
    ) -> None:
        """Note a delivery, and show it to the agent.

        That is a reaction, the answer itself where it is one of the library, or words if it failed.
        """
        if not rows:
            return
        add, source = self._desk.calls.add, rows[0].topic_message_id
        if problem or call.kind is CallKind.DELETE:
            values = {"message": source}
            kind, name = CallKind.NOTICE, problem or "removed"
            await add(session, ticket.id, Lane.GROUP, kind, now, name=name, values=values)
        elif sent:
            await self._desk.mirror.note_delivery(session, pair_copies(rows, sent), now)
            if rows[0].answer:
                alias = str(call.values["alias"])
                await self._desk.answers.show(session, rows[0], call.texts[0], alias, now)
                return
            reaction: dict[str, str | int] = {"message": source, "emoji": topic_texts.DELIVERED}
            await add(session, ticket.id, Lane.UPKEEP, CallKind.REACT, now, values=reaction)
        if problem and (call.sends_messages or call.kind is CallKind.DELETE):
            is_still_there = problem == "not_removed"
            for row in await self._desk.mirror.load(session, call.messages):
                row.state = MessageState.DELIVERED if is_still_there else MessageState.REMOVED


def pair_copies(rows: Sequence[TicketMessage], sent: Sequence[int]) -> dict[int, int | None]:
    """Return the copy of each message, by the id of its row.

    Telegram leaves out what it cannot copy and does not say which: then no copy is known.
    """
    ids = sent if len(sent) == len(rows) else [None] * len(rows)
    return {row.id: copy for row, copy in zip(rows, ids, strict=True)}


async def edit_copy(
    bot: ExtBot[Any],
    chat: int,
    message_id: int,
    html: str,
    call: BegunCall,
    keyboard: InlineKeyboardMarkup | None = None,
) -> None:
    """Change the text of a copy with the buttons below it, or its caption."""
    options: dict[str, Any] = {"parse_mode": ParseMode.HTML, "rate_limit_args": True}
    if CAPTION in call.values:
        await bot.edit_message_caption(chat, message_id, caption=html, **options)
    else:
        await bot.edit_message_text(html, chat, message_id, reply_markup=keyboard, **options)


def _find_problem(call: BegunCall, error: BadRequest) -> str:
    """Return the notice for the agent; empty where what they wanted is the case."""
    words = error.message.lower()
    if _UNCHANGED in words or (call.kind is CallKind.DELETE and _NOT_FOUND in words):
        return ""
    _log.warning("answer_not_delivered", kind=call.kind, error=error.message)
    return "not_removed" if call.kind is CallKind.DELETE else "not_delivered"
