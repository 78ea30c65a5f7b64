"""The calls to the staff group: topics, their first message, and what goes into them."""

from collections.abc import Callable, Sequence
from datetime import datetime, timedelta
from typing import Any

import structlog
from sqlalchemy.ext.asyncio import AsyncSession
from telegram import (
    InlineKeyboardButton,
    InlineKeyboardMarkup,
    LinkPreviewOptions,
    Message,
    ReplyParameters,
)
from telegram.constants import ParseMode
from telegram.error import BadRequest, Forbidden
from telegram.ext import ExtBot

from handlers.context import Services
from handlers.desk import library_answers, topic_texts
from handlers.desk.hidden_media import MediaPlace, send_hidden
from handlers.desk.subscriber_calls import edit_copy, pair_copies
from handlers.screen.text import Markup
from handlers.screen.view import Keyboard
from services.desk import staff
from services.desk.call_types import BegunCall, CallKind, MediaFile, PendingCall
from services.desk.desk import SupportDesk
from services.desk.mirror import ANEW, CAPTION
from services.desk.models import Direction, Lane, MessageState, Ticket, TicketMessage
from services.desk.ticket_states import TicketState
from services.storage.database import Database

_GONE = ("message thread not found", "topic_deleted", "topic_id_invalid")
"""What Telegram says of a topic that was deleted; PTB changes the case."""
_NOT_REACHED = ("chat not found", "not enough rights", "no rights", "need administrator rights")
_UNCHANGED = ("not modified", "topic_not_modified")
_MAX_NAME = 128
_DELETION_RETRY = timedelta(hours=1)

_log = structlog.get_logger()


class TopicGoneError(Exception):
    """The topic of a ticket was deleted."""


class TopicCaller:
    """Makes one call to the staff group at a time.

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
        """Make the next call that a queued one needs: create its topic, or make it itself.

        :raises RetryAfter: where Telegram refuses for now.
        :raises TelegramError: where the group cannot be reached.
        """
        async with self._database.unit_of_work() as session:
            ticket = await self._desk.tickets.find(session, chosen.ticket_id)
        if ticket is None:
            return
        try:
            if chosen.lane == Lane.UPKEEP:
                await self._keep_up(ticket, chosen, now)
            elif ticket.topic_id is None:
                await self._create_topic(ticket)
            elif ticket.card_message_id is None:
                await self._send_card(ticket, now)
            else:
                await self._send(ticket, chosen, now)
        except TopicGoneError:
            await self._forget_topic(ticket, chosen, now)

    async def _create_topic(self, ticket: Ticket) -> None:
        name = topic_texts.topic_name(ticket, await self._name_of(ticket))[:_MAX_NAME]
        topic = await self._bot.create_forum_topic(self._group, name, rate_limit_args=True)
        async with self._database.unit_of_work() as session:
            row = await self._desk.tickets.find(session, ticket.id)
            if row is not None:
                row.topic_id, row.card_message_id = topic.message_thread_id, None
                return
        thread = topic.message_thread_id  # the subscriber has erased the ticket meanwhile
        await self._bot.delete_forum_topic(self._group, thread, rate_limit_args=True)

    async def _send_card(self, ticket: Ticket, now: datetime) -> None:
        """Send the first message of a topic, with the texts that wait."""
        async with self._database.unit_of_work() as session:
            waiting = await self._desk.calls.take_texts(session, ticket.id)
            alias = await staff.find_alias(session, ticket.assignee)
            certificates = await self._certificates_of(session, ticket)
        name = await self._name_of(ticket)
        about = topic_texts.card_text(self._get_services(), self._desk, ticket, name, certificates)
        texts = topic_texts.subscriber_text(waiting.texts) if waiting else ""
        text = Markup(f"{about}\n\n{texts}" if texts else about)
        if waiting is not None:
            found = library_answers.suggest(self._get_services(), waiting.texts)
            ticket.suggested = " ".join(found)
        keyboard = self._keyboard(ticket, alias)
        try:
            sent = await self._send_text(ticket, text, keyboard=keyboard)
        except BadRequest as error:
            if _says(error, _GONE):
                raise TopicGoneError from error
            if waiting is None or _says(error, _NOT_REACHED):
                raise
            _log.error("desk_card_failed", error=error.message)
            sent, waiting = await self._send_text(ticket, about, keyboard=keyboard), None
        async with self._database.unit_of_work() as session:
            row = await self._desk.tickets.find(session, ticket.id)
            if row is None:
                return
            row.card_message_id, row.suggested = sent, ticket.suggested
            await self._desk.calls.let_appear(session, ticket.id)
            if waiting is not None:
                await self._finish(session, waiting, [sent], now)

    async def _send(self, ticket: Ticket, chosen: PendingCall, now: datetime) -> None:
        async with self._database.unit_of_work() as session:
            call = await self._desk.calls.begin(session, chosen.id)
            rows = await self._desk.mirror.load(session, call.messages) if call else []
            reply_to = await self._find_reply(session, call) if call else None
        if call is None:
            return
        try:
            sent = await self._make_group_call(ticket, call, rows, reply_to)
        except BadRequest as error:
            if _says(error, _GONE):
                raise TopicGoneError from error
            if _says(error, _NOT_REACHED):
                raise
            if not _says(error, _UNCHANGED):
                _log.error("desk_call_failed", kind=call.kind, error=error.message)
            sent = []
        async with self._database.unit_of_work() as session:
            await self._finish(session, call, sent, now)
            is_lost = call.sends_messages and len(sent) < _count_messages(call)
            if is_lost and ANEW not in call.values:
                add, notice = self._desk.calls.add, CallKind.NOTICE
                await add(session, ticket.id, Lane.GROUP, notice, now, name="not_copied")

    async def _make_group_call(
        self,
        ticket: Ticket,
        call: BegunCall,
        rows: Sequence[TicketMessage],
        reply_to: int | None,
    ) -> list[int]:
        """Return the ids of the messages that were sent."""
        language = self._desk.language
        match call.kind:
            case CallKind.APPEAR:
                return []
            case CallKind.TEXT:
                text = topic_texts.subscriber_text(call.texts)
                return [await self._send_text(ticket, text, reply_to, self._suggest(ticket, call))]
            case CallKind.NOTICE:
                text = topic_texts.notice_text(call.name, call.values, language)
                keyboard = self._notice_keyboard(ticket, call)
                return [await self._send_text(ticket, text, _number(call, "message"), keyboard)]
        if not rows:
            return []
        row = rows[0]
        if call.kind is CallKind.COPY:
            return await self._copy(ticket, call, rows, reply_to)
        if call.kind is CallKind.MEDIA:
            files = [MediaFile.from_text(text) for text in call.texts]
            place = MediaPlace(self._group, ticket.topic_id, reply_to)
            return await send_hidden(self._bot, place, files)
        if call.kind is CallKind.SENT:
            if row.state == MessageState.REMOVED:
                return []
            text = topic_texts.sent_text(call.texts[0], str(call.values["alias"]), language)
            return [await self._send_text(ticket, text, _number(call, "message"))]
        if row.copy_message_id is None:
            return []
        if call.kind is CallKind.DELETE:
            await self._bot.delete_message(self._group, row.copy_message_id, rate_limit_args=True)
        else:
            await self._edit(ticket, call, row, row.copy_message_id)
        return []

    async def _copy(
        self,
        ticket: Ticket,
        call: BegunCall,
        rows: Sequence[TicketMessage],
        reply_to: int | None,
    ) -> list[int]:
        """Copy messages from the private chat, where the copies of answers are as well."""
        is_theirs = rows[0].direction == Direction.TO_STAFF
        ids = [row.source_message_id if is_theirs else row.copy_message_id for row in rows]
        known = [each for each in ids if each is not None]
        to_topic: dict[str, Any] = {
            "message_thread_id": ticket.topic_id,
            "protect_content": is_theirs and ANEW in call.values,  # it may be a picture
            "rate_limit_args": True,
        }
        if len(known) > 1:
            group, chat = self._group, ticket.chat_id
            copies = await self._bot.copy_messages(group, chat, sorted(known), **to_topic)
            return [each.message_id for each in copies]
        copied = await self._bot.copy_message(
            self._group, ticket.chat_id, known[0], reply_parameters=_reply(reply_to), **to_topic
        )
        return [copied.message_id]

    async def _edit(
        self, ticket: Ticket, call: BegunCall, row: TicketMessage, copy_id: int
    ) -> None:
        """Change the copy of the subscriber's newest message; below an older one, say so."""
        async with self._database.unit_of_work() as session:
            is_newest = await self._desk.mirror.is_newest_alone(session, row)
        is_card = row.copy_message_id == ticket.card_message_id
        if not is_newest or is_card:
            text = topic_texts.changed_text(call.texts, self._desk.language)
            await self._send_text(ticket, text, copy_id)
            return
        is_caption = CAPTION in call.values
        html = call.texts[0] if is_caption else topic_texts.subscriber_text(call.texts)
        keyboard = None if is_caption else self._suggest(ticket, call)
        await edit_copy(self._bot, self._group, copy_id, html, call, keyboard)

    async def _keep_up(self, ticket: Ticket, chosen: PendingCall, now: datetime) -> None:
        async with self._database.unit_of_work() as session:
            call = await self._desk.calls.begin(session, chosen.id)
            alias = await staff.find_alias(session, ticket.assignee)
        if call is None:
            return
        if ticket.topic_id is not None:
            try:
                await self._make_upkeep_call(ticket, call, alias)
            except BadRequest as error:
                is_gone = _says(error, _GONE)
                if _says(error, _NOT_REACHED) and call.kind is CallKind.DELETE_TOPIC:
                    await self._postpone_deletion(call, now, error)
                    return
                if is_gone and call.kind is not CallKind.DELETE_TOPIC:
                    raise TopicGoneError from error
                if not is_gone and not _says(error, _UNCHANGED):
                    _log.warning("desk_upkeep_failed", kind=call.kind, error=error.message)
        async with self._database.unit_of_work() as session:
            await self._desk.calls.finish(session, call.id)
            if call.kind is CallKind.DELETE_TOPIC:
                row = await self._desk.tickets.find(session, ticket.id)
                if row is not None:
                    await self._desk.tickets.delete(session, row)

    async def _postpone_deletion(self, call: BegunCall, now: datetime, error: BadRequest) -> None:
        """Try again later to delete a topic, for which the bot lacks a right at present."""
        _log.error("topic_not_deleted", error=error.message)
        async with self._database.unit_of_work() as session:
            await self._desk.calls.postpone(session, call.id, now + _DELETION_RETRY)

    async def _make_upkeep_call(self, ticket: Ticket, call: BegunCall, alias: str) -> None:
        group, topic, bot = self._group, ticket.topic_id, self._bot
        assert topic is not None
        match call.kind:
            case CallKind.CARD if ticket.card_message_id is not None:
                await bot.edit_message_reply_markup(
                    group,
                    ticket.card_message_id,
                    reply_markup=self._keyboard(ticket, alias),
                    rate_limit_args=True,
                )
            case CallKind.CLOSE if ticket.state == TicketState.RESOLVED:
                await bot.close_forum_topic(group, topic, rate_limit_args=True)
            case CallKind.REOPEN if ticket.state != TicketState.RESOLVED:
                await bot.reopen_forum_topic(group, topic, rate_limit_args=True)
            case CallKind.REACT:
                message_id = int(call.values["message"])
                emoji = str(call.values["emoji"]) or None
                await bot.set_message_reaction(group, message_id, emoji, rate_limit_args=True)
            case CallKind.DELETE_TOPIC:
                await bot.delete_forum_topic(group, topic, rate_limit_args=True)

    async def _forget_topic(self, ticket: Ticket, chosen: PendingCall, now: datetime) -> None:
        """Make a new topic in place of a deleted one, unless nobody needs it."""
        _log.warning("topic_was_deleted", ticket=ticket.id)
        async with self._database.unit_of_work() as session:
            row = await self._desk.tickets.find(session, ticket.id)
            if row is None:
                return
            row.topic_id = row.card_message_id = None
            await self._desk.calls.drop(session, ticket.id, Lane.UPKEEP)
            if chosen.lane == Lane.GROUP:
                await self._desk.calls.postpone(session, chosen.id, now, was_refused=True)
                await self._desk.mirror.copy_anew(session, row, now)

    async def _finish(
        self, session: AsyncSession, call: BegunCall, sent: Sequence[int], now: datetime
    ) -> None:
        await self._desk.calls.finish(session, call.id)
        if sent and call.kind is CallKind.SENT:
            await self._desk.answers.note_shown(session, call.messages[0], sent[0])
        if not sent or not call.sends_messages:
            return
        rows = await self._desk.mirror.load(session, call.messages)
        theirs = [row for row in rows if row.direction == Direction.TO_STAFF]
        copies = list(sent) * len(theirs) if call.kind is CallKind.TEXT else sent
        await self._desk.mirror.note_delivery(session, pair_copies(theirs, copies), now)

    async def _find_reply(self, session: AsyncSession, call: BegunCall) -> int | None:
        replied = _number(call, "reply_to")
        if replied is None:
            return None
        find = self._desk.mirror.find_counterpart
        return await find(session, call.ticket_id, replied, in_group=False)

    async def _send_text(
        self,
        ticket: Ticket,
        text: str,
        reply_to: int | None = None,
        keyboard: InlineKeyboardMarkup | None = None,
    ) -> int:
        sent: Message = await self._bot.send_message(
            self._group,
            text,
            parse_mode=ParseMode.HTML,
            message_thread_id=ticket.topic_id,
            reply_parameters=_reply(reply_to),
            reply_markup=keyboard,
            link_preview_options=LinkPreviewOptions(is_disabled=True),
            rate_limit_args=True,
        )
        if sent.message_thread_id != ticket.topic_id:  # it went into General instead
            raise TopicGoneError
        return sent.message_id

    def _keyboard(self, ticket: Ticket, alias: str) -> InlineKeyboardMarkup:
        """Return the buttons of the card, with the answers suggested for the first texts."""
        keyboard = topic_texts.card_keyboard(ticket, alias, self._desk.language)
        is_over = ticket.state == TicketState.RESOLVED
        rows = [] if is_over else self._answer_rows(ticket, ticket.suggested.split())
        return Keyboard([*rows, *keyboard.inline_keyboard])

    def _suggest(self, ticket: Ticket, call: BegunCall) -> InlineKeyboardMarkup | None:
        """Return buttons with the answers that may fit texts of the subscriber."""
        rows = self._answer_rows(ticket, library_answers.suggest(self._get_services(), call.texts))
        return Keyboard(rows) if rows else None

    def _notice_keyboard(self, ticket: Ticket, call: BegunCall) -> InlineKeyboardMarkup | None:
        if "found" in call.values:
            return Keyboard(self._answer_rows(ticket, str(call.values["found"]).split()))
        language = self._desk.language
        return topic_texts.notice_keyboard(call.name, ticket.id, call.values, language)

    def _answer_rows(
        self, ticket: Ticket, found: Sequence[str]
    ) -> list[list[InlineKeyboardButton]]:
        services, language = self._get_services(), self._desk.language
        return library_answers.answer_rows(services, ticket.id, found, language)

    async def _name_of(self, ticket: Ticket) -> str:
        """Return the first name of the subscriber, which is not stored."""
        try:
            chat = await self._bot.get_chat(ticket.chat_id)
        except (BadRequest, Forbidden):
            return ""
        return chat.first_name or ""

    async def _certificates_of(self, session: AsyncSession, ticket: Ticket) -> list[str]:
        """Return the states of the certificates of those whom the chat is linked to."""
        services = self._get_services()
        if services.authority is None:
            return []
        people = await services.authority.links.list_people(session, ticket.chat_id)
        return [str(person.certificate) for person in people if person.certificate is not None]

    @property
    def _group(self) -> int:
        assert self._desk.group_id is not None
        return self._desk.group_id


def _reply(message_id: int | None) -> ReplyParameters | None:
    if message_id is None:
        return None
    return ReplyParameters(message_id, allow_sending_without_reply=True)


def _count_messages(call: BegunCall) -> int:
    """Return how many messages a call sends; texts are joined in one."""
    return 1 if call.kind is CallKind.TEXT else len(call.messages)


def _number(call: BegunCall, name: str) -> int | None:
    value = call.values.get(name)
    return None if value is None else int(value)


def _says(error: BadRequest, words: tuple[str, ...]) -> bool:
    return any(each in error.message.lower() for each in words)
