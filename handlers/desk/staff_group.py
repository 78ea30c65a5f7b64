"""The staff group: what agents write and press there. Nothing of the public bot happens in it.

Handlers change rows and queue calls; they never wait for the group.
"""

from collections.abc import Awaitable, Callable, Mapping
from dataclasses import dataclass
from datetime import datetime
from urllib.parse import urlsplit

import structlog
from sqlalchemy.ext.asyncio import AsyncSession
from telegram import ChatMember, Message, MessageEntity, Update
from telegram.error import BadRequest
from telegram.ext import ApplicationHandlerStop, BaseHandler

import locales
from handlers.context import Context
from handlers.desk import topic_texts
from handlers.screen.text import N_, label
from handlers.screen.view import decode_callback_data
from services.desk import staff
from services.desk.answer_check import HoldReason, check_answer
from services.desk.calls import CallKind, Values
from services.desk.desk import SupportDesk
from services.desk.mirror import MirroredMessage
from services.desk.models import Direction, Lane, Ticket
from services.desk.ticket_states import (
    BOT_IS_SILENT,
    NotAllowedError,
    Role,
    StaffActor,
    TicketEvent,
    TicketRefusedError,
    TicketState,
)
from services.desk.tickets import MUTED_FOR

NOTE = "//"
"""What a note for colleagues begins with."""
_GONE = (ChatMember.LEFT, ChatMember.BANNED)
_URLS = (MessageEntity.URL, MessageEntity.TEXT_LINK)
_ROLES = {"agent": Role.AGENT, "editor": Role.EDITOR, "admin": Role.ADMIN}

_log = structlog.get_logger()


class StaffGroupHandler(BaseHandler[Update, Context, None]):
    """Takes every update of the staff group, before the handlers of the public bot."""

    def __init__(self, desk: SupportDesk) -> None:
        super().__init__(on_any_update)
        self._desk = desk

    def check_update(self, update: object) -> bool:
        """Whether an update is of that group; costs no query."""
        if not isinstance(update, Update) or self._desk.group_id is None:
            return False
        chat = update.effective_chat
        return chat is not None and chat.id == self._desk.group_id


@dataclass(frozen=True)
class TicketAct:
    """Something that a member of the staff does with a ticket.

    :ivar message: the id of their message; `None` for a button.
    :ivar replied: the id of the message that it replies to.
    :ivar argument: what follows a command, or the id of a held message.
    """

    desk: SupportDesk
    session: AsyncSession
    ticket: Ticket
    actor: StaffActor
    now: datetime
    message: int | None = None
    replied: int | None = None
    argument: str = ""

    async def move(self, event: TicketEvent) -> None:
        """Move the ticket."""
        await self.desk.tickets.move(self.session, self.ticket, event, self.actor, self.now)

    async def notify(self, name: str, values: Values | None = None) -> None:
        """Have the bot say something in the topic."""
        filled = dict(values or {})
        if self.message is not None:
            filled.setdefault("message", self.message)
        add, kind = self.desk.calls.add, CallKind.NOTICE
        await add(
            self.session, self.ticket.id, Lane.GROUP, kind, self.now, name=name, values=filled
        )


async def on_any_update(update: Update, context: Context) -> None:
    """Handle an update of the staff group.

    :raises ApplicationHandlerStop: so that no other handler sees the update.
    """
    message = update.effective_message
    if update.chat_member is not None:
        await _on_membership(update, context)
    elif update.callback_query is not None:
        await _on_button(update, context)
    elif isinstance(message, Message) and message.from_user is not None:
        await _on_message(update, context, message)
    raise ApplicationHandlerStop


async def find_staff_actor(context: Context, user_id: int, name: str) -> StaffActor | None:
    """Return who acts; once an hour Telegram is asked whether they are still in the group."""
    desk, services = context.services.desk, context.services
    assert desk is not None
    assert desk.group_id is not None
    now = services.now()
    async with services.database.unit_of_work() as session:
        actor = await staff.find_actor(session, user_id, desk.admins, now)
    if actor is not None:
        return actor
    try:
        member = await context.bot.get_chat_member(desk.group_id, user_id)
        is_there = member.status not in _GONE and getattr(member, "is_member", True)
    except BadRequest:  # Telegram knows nobody there by this id
        is_there = False
    async with services.database.unit_of_work() as session:
        if not is_there:
            await staff.note_departure(session, user_id)
            return None
        await staff.note_member(session, user_id, name, now)
        return await staff.find_actor(session, user_id, desk.admins, now)


async def _on_membership(update: Update, context: Context) -> None:
    """Take the role from whoever leaves."""
    change = update.chat_member
    assert change is not None
    member = change.new_chat_member
    if member.status in _GONE or not getattr(member, "is_member", True):
        async with context.services.database.unit_of_work() as session:
            await staff.note_departure(session, member.user.id)


async def _on_button(update: Update, context: Context) -> None:
    query, desk = update.callback_query, context.services.desk
    assert query is not None
    assert desk is not None
    pressed = decode_callback_data(query.data)
    toast = ""
    if pressed is not None and pressed.route == topic_texts.ROUTE and len(pressed.parts) > 1:
        actor = await find_staff_actor(context, query.from_user.id, query.from_user.first_name)
        if actor is not None and pressed.parts[1].isdecimal():
            toast = await _press(context, desk, actor, pressed.parts)
    await query.answer(toast or None)


async def _press(context: Context, desk: SupportDesk, actor: StaffActor, parts: list[str]) -> str:
    """Do what a button says, and return the toast."""
    name, number, *rest = parts
    act = _BUTTONS.get(name)
    async with context.services.database.unit_of_work() as session:
        ticket = await desk.tickets.find(session, int(number))
        if ticket is None or act is None:
            return label(desk.language, "This ticket is no longer there.")
        done = TicketAct(
            desk, session, ticket, actor, context.services.now(), argument=".".join(rest)
        )
        try:
            await act(done)
        except NotAllowedError as error:
            alias = await staff.find_alias(session, error.assignee)
            return label(desk.language, _HAS_IT, alias=alias)
        except TicketRefusedError as error:
            if error.state in BOT_IS_SILENT and ticket.assignee != actor.user_id:
                alias = await staff.find_alias(session, ticket.assignee)
                return label(desk.language, _HAS_IT, alias=alias)
            state = label(desk.language, topic_texts.STATE_NAMES[error.state])
            return label(desk.language, "The ticket is {state}.", state=state)
    return label(desk.language, "OK")


_HAS_IT = N_("{alias} has this ticket.")


async def _on_message(update: Update, context: Context, message: Message) -> None:
    desk, user = context.services.desk, message.from_user
    assert desk is not None
    assert user is not None
    if user.id == context.bot.id:  # Telegram delivers what the bot itself does to topics
        return
    if message.left_chat_member is not None:
        async with context.services.database.unit_of_work() as session:
            await staff.note_departure(session, message.left_chat_member.id)
        return
    if not message.is_topic_message or message.message_thread_id is None:
        return  # General and its threads are no tickets
    if message.sender_chat is None and user.is_bot:
        return
    actor = None
    if message.sender_chat is None:
        actor = await find_staff_actor(context, user.id, user.first_name)
        if actor is None:
            return
    now = context.services.now()
    async with context.services.database.unit_of_work() as session:
        ticket = await desk.tickets.find_by_topic(session, message.message_thread_id)
        if ticket is None:
            return
        if actor is None:
            await _explain_anonymity(desk, session, ticket, message, now)
            return
        replied = message.reply_to_message
        act = TicketAct(
            desk,
            session,
            ticket,
            actor,
            now,
            message.message_id,
            replied.message_id if replied is not None and not _is_root(replied) else None,
        )
        await _act_on_message(update, context, message, act)


async def _explain_anonymity(
    desk: SupportDesk, session: AsyncSession, ticket: Ticket, message: Message, now: datetime
) -> None:
    """Tell somebody who writes as the group which setting to change, once a ticket."""
    if message.text is None or _note_hint(ticket, 0):
        return
    values: Values = {"message": message.message_id}
    lane, kind, name = Lane.GROUP, CallKind.NOTICE, "anonymous"
    await desk.calls.add(session, ticket.id, lane, kind, now, name=name, values=values)


async def _act_on_message(
    update: Update, context: Context, message: Message, act: TicketAct
) -> None:
    if message.forum_topic_closed is not None or message.forum_topic_reopened is not None:
        await _follow_topic(act, is_closed=message.forum_topic_closed is not None)
        return
    if _is_service(message):
        return
    text = message.text or message.caption or ""
    if update.edited_message is not None:
        await _change_answer(context, message, act)
    elif text.startswith(NOTE):
        return
    elif text.startswith("/"):
        await _run_command(message, act)
    elif _is_to_colleague(message, act.actor):
        return
    else:
        await _answer(context, message, act)


async def _follow_topic(act: TicketAct, *, is_closed: bool) -> None:
    """Resolve or reopen the ticket of a topic that was closed or reopened by hand."""
    event = TicketEvent.RESOLVED if is_closed else TicketEvent.REOPENED
    try:
        await act.desk.tickets.move(
            act.session, act.ticket, event, act.actor, act.now, is_topic_moved=True
        )
    except TicketRefusedError:  # it is so already
        return


async def _answer(context: Context, message: Message, act: TicketAct) -> None:
    """Send what the assignee writes to the subscriber; of others it is a note."""
    ticket, desk = act.ticket, act.desk
    state = TicketState(ticket.state)
    if state not in BOT_IS_SILENT or ticket.assignee != act.actor.user_id:
        await _explain_note(act, state)
        return
    to_subscriber = Direction.TO_SUBSCRIBER
    if await desk.mirror.is_known(act.session, ticket, to_subscriber, message.message_id):
        return
    mirrored = _read_message(message, act.replied)
    reason = _check(context, message)
    if reason is not None:
        row = await desk.mirror.hold(act.session, ticket, mirrored, act.now)
        await act.notify(f"held_{reason}", {"row": row})
        return
    await desk.mirror.send(act.session, ticket, to_subscriber, mirrored, act.now)
    await act.move(TicketEvent.ANSWERED)


async def _explain_note(act: TicketAct, state: TicketState) -> None:
    """Tell somebody once a ticket that what they write is not sent."""
    if _note_hint(act.ticket, act.actor.user_id):
        return
    if state in BOT_IS_SILENT:
        alias = await staff.find_alias(act.session, act.ticket.assignee)
        await act.notify("not_sent_other", {"alias": alias})
    elif state is TicketState.WAITING:
        await act.notify("not_sent_waiting")
    else:
        await act.notify("not_sent_resolved")


async def _change_answer(context: Context, message: Message, act: TicketAct) -> None:
    """Change the answer at the subscriber's; one that is held now is removed there."""
    desk, to_subscriber = act.desk, Direction.TO_SUBSCRIBER
    if not await desk.mirror.is_known(act.session, act.ticket, to_subscriber, message.message_id):
        return
    reason = _check(context, message)
    if reason is not None:
        remove = desk.mirror.remove
        if await remove(act.session, act.ticket, to_subscriber, message.message_id, act.now):
            await act.notify(f"removed_{reason}")
        return
    mirrored = _read_message(message, act.replied)
    await desk.mirror.change(act.session, act.ticket, to_subscriber, mirrored, act.now)


async def _run_command(message: Message, act: TicketAct) -> None:
    command, _, argument = (message.text or "")[1:].strip().partition(" ")
    run = _COMMANDS.get(command.partition("@")[0].lower())
    if run is None:
        return
    if run is _set_role:
        await _set_role(act, message, argument.strip())
        return
    try:
        await run(act)
    except NotAllowedError as error:
        alias = await staff.find_alias(act.session, error.assignee)
        await act.notify("not_allowed", {"alias": alias})
    except TicketRefusedError as error:
        await act.notify("not_possible", {"state": error.state})


async def _take(act: TicketAct) -> None:
    await act.move(TicketEvent.TAKEN)


async def _take_over(act: TicketAct) -> None:
    await act.move(TicketEvent.TAKEN_OVER)


async def _take_or_take_over(act: TicketAct) -> None:
    is_free = act.ticket.state in (TicketState.WAITING, TicketState.RESOLVED)
    await act.move(TicketEvent.TAKEN if is_free else TicketEvent.TAKEN_OVER)


async def _release(act: TicketAct) -> None:
    await act.move(TicketEvent.RELEASED)


async def _resolve(act: TicketAct) -> None:
    await act.move(TicketEvent.RESOLVED)


async def _reopen(act: TicketAct) -> None:
    await act.move(TicketEvent.REOPENED)


async def _snooze(act: TicketAct) -> None:
    until = act.desk.tickets.next_day(act.now)
    await act.desk.tickets.snooze(act.session, act.ticket, act.actor, until, act.now)


async def _mute(act: TicketAct) -> None:
    """Let nothing of the subscriber through for a day, and tell them."""
    act.ticket.muted_until = act.now + MUTED_FOR
    await _tell_muting(act, "muted")


async def _unmute(act: TicketAct) -> None:
    act.ticket.muted_until = None
    await _tell_muting(act, "unmuted")


async def _tell_muting(act: TicketAct, name: str) -> None:
    staff.record_act(act.session, act.actor.user_id, name, act.now, act.ticket.id)
    kind = CallKind.NOTICE
    await act.desk.calls.add(act.session, act.ticket.id, Lane.PRIVATE, kind, act.now, name=name)
    await act.notify(name)


async def _undo(act: TicketAct) -> None:
    """Remove an answer at the subscriber's: the one replied to, or else their latest."""
    mirror, author = act.desk.mirror, act.actor.user_id
    answer = act.replied
    if answer is None:
        answer = await mirror.find_last_answer(act.session, act.ticket, author)
    direction = Direction.TO_SUBSCRIBER
    if answer is None or not await mirror.is_author(act.session, act.ticket, answer, author):
        await act.notify("nothing_to_undo")
    elif await mirror.remove(act.session, act.ticket, direction, answer, act.now):
        about = f"message {answer}"
        staff.record_act(act.session, author, "undone", act.now, act.ticket.id, about)


async def _send_anyway(act: TicketAct) -> None:
    """Send a message that was held back; for editors."""
    if act.actor.role < Role.EDITOR or not act.argument.isdecimal():
        raise NotAllowedError(act.ticket.assignee)
    release = act.desk.mirror.release
    if await release(act.session, act.ticket, int(act.argument), act.now):
        about = f"held message {act.argument}"
        staff.record_act(
            act.session, act.actor.user_id, "sent_anyway", act.now, act.ticket.id, about
        )


async def _set_role(act: TicketAct, message: Message | None = None, argument: str = "") -> None:
    """Set the role of whoever wrote the message that is replied to; for admins."""
    replied = message.reply_to_message if message is not None else None
    role = _ROLES.get(argument)
    if act.actor.role is not Role.ADMIN or role is None or replied is None:
        return
    if replied.from_user is None or replied.from_user.is_bot:
        return
    member = replied.from_user.id
    if await staff.set_role(act.session, member, role) is not None:
        about = f"{member} {argument}"
        staff.record_act(act.session, act.actor.user_id, "set_role", act.now, about=about)


async def _do_nothing(act: TicketAct) -> None:
    """Stand for a button that only shows something."""


_Act = Callable[[TicketAct], Awaitable[None]]
_BUTTONS: Mapping[str, _Act] = {
    "take": _take,
    "over": _take_over,
    "release": _release,
    "resolve": _resolve,
    "reopen": _reopen,
    "snooze": _snooze,
    "send": _send_anyway,
    "nothing": _do_nothing,
}
_COMMANDS: Mapping[str, _Act] = {
    "take": _take_or_take_over,
    "release": _release,
    "resolve": _resolve,
    "reopen": _reopen,
    "snooze": _snooze,
    "mute": _mute,
    "unmute": _unmute,
    "undo": _undo,
    "role": _set_role,
}


def _note_hint(ticket: Ticket, user_id: int) -> bool:
    """Note that somebody is told, and return whether they were told before."""
    told = ticket.told.split()
    if str(user_id) in told:
        return True
    ticket.told = " ".join([*told, str(user_id)])
    return False


def _is_root(message: Message) -> bool:
    """Whether a message is the one that a topic begins with, to which Telegram ties all others."""
    return message.forum_topic_created is not None


def _is_to_colleague(message: Message, actor: StaffActor) -> bool:
    """Whether a message replies to somebody else of the staff."""
    replied = message.reply_to_message
    if replied is None or replied.from_user is None or _is_root(replied):
        return False
    return not replied.from_user.is_bot and replied.from_user.id != actor.user_id


def _is_service(message: Message) -> bool:
    return not (message.text or message.caption or message.effective_attachment)


def _read_message(message: Message, replied: int | None) -> MirroredMessage:
    assert message.from_user is not None
    html = message.text_html if message.text is not None else None
    text = message.text or message.caption or ""
    return MirroredMessage(message.message_id, message.from_user.id, text, html, replied)


def _check(context: Context, message: Message) -> HoldReason | None:
    """Return why an answer has to be held."""
    found = {**message.parse_entities(list(_URLS)), **message.parse_caption_entities(list(_URLS))}
    links = [entity.url or text for entity, text in found.items()]
    text = message.text or message.caption or ""
    return check_answer(text, links, context.services.secret_detector, _known_hosts(context))


def _known_hosts(context: Context) -> frozenset[str]:
    """Return the sites that answers name as their sources."""
    known = context.bot_data.get("known_hosts")
    if isinstance(known, frozenset):
        return known
    entries = context.services.entries
    hosts = {
        urlsplit(source.url).hostname or ""
        for language in locales.LANGUAGES
        for entry in entries.all(language)
        for source in entry.sources
    }
    context.bot_data["known_hosts"] = frozenset(hosts)
    return frozenset(hosts)
