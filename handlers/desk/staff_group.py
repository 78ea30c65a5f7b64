"""The staff group: what agents write and press there. Nothing of the public bot happens in it.

Handlers change rows and queue calls; they never wait for the group.
"""

import re
from dataclasses import replace
from functools import partial

from sqlalchemy.ext.asyncio import AsyncSession
from telegram import Message, Update
from telegram.ext import ApplicationHandlerStop, BaseHandler

from handlers.context import Context
from handlers.desk import library_answers, staff_answers, topic_texts
from handlers.desk.library_answers import AnswerStoppedError
from handlers.desk.staff_commands import BUTTONS, COMMANDS, StaffCommand
from handlers.desk.staff_members import find_staff_actor, on_staff_membership, remove_role
from handlers.desk.ticket_act import TicketAct, note_hint
from handlers.screen.text import N_, label
from handlers.screen.view import decode_callback_data
from services.desk import staff
from services.desk.call_types import CallKind, Values
from services.desk.desk import SupportDesk
from services.desk.models import Lane, Ticket
from services.desk.ticket_states import (
    BOT_IS_SILENT,
    NotAllowedError,
    StaffActor,
    TicketEvent,
    TicketRefusedError,
)

NOTE = "//"
"""What a note for colleagues begins with."""
_WIDE_SLASHES = re.compile("^／+")
"""Slashes as Chinese keyboards write them."""
_HAS_IT = N_("{alias} has this ticket.")
_NOBODY = 0
"""Instead of a user id, for whoever writes as the group."""


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


async def on_any_update(update: Update, context: Context) -> None:
    """Handle an update of the staff group.

    :raises ApplicationHandlerStop: so that no other handler sees the update.
    """
    message = update.effective_message
    if update.chat_member is not None:
        await on_staff_membership(update, context)
    elif update.callback_query is not None:
        await _on_button(update, context)
    elif isinstance(message, Message) and message.from_user is not None:
        await _on_message(update, context, message)
    raise ApplicationHandlerStop


async def _on_button(update: Update, context: Context) -> None:
    query, desk = update.callback_query, context.services.desk
    assert query is not None
    assert desk is not None
    pressed = decode_callback_data(query.data)
    toast = ""
    if pressed is not None and pressed.route == topic_texts.ROUTE and len(pressed.parts) > 1:
        actor = await find_staff_actor(context, query.from_user.id, query.from_user.first_name)
        message = query.message
        if actor is not None and message is not None and pressed.parts[1].isdecimal():
            toast = await _press(context, desk, actor, pressed.parts, message.message_id)
    await query.answer(toast or None)


async def _press(
    context: Context, desk: SupportDesk, actor: StaffActor, parts: list[str], message: int
) -> str:
    """Do what a button below a message says, and return the toast."""
    name, number, *rest = parts
    send = partial(library_answers.press, context, message)
    is_answer = name == library_answers.BUTTON
    run: StaffCommand | None = send if is_answer else BUTTONS.get(name)
    async with context.services.database.unit_of_work() as session:
        ticket = await desk.tickets.find(session, int(number))
        if ticket is None or run is None:
            return label(desk.language, "This ticket is no longer there.")
        now, argument = context.services.now(), ".".join(rest)
        try:
            await run(TicketAct(desk, session, ticket, actor, now, argument=argument))
        except NotAllowedError as error:
            alias = await staff.find_alias(session, error.assignee)
            return label(desk.language, _HAS_IT, alias=alias)
        except TicketRefusedError as error:
            if error.state in BOT_IS_SILENT and ticket.assignee != actor.user_id:
                alias = await staff.find_alias(session, ticket.assignee)
                return label(desk.language, _HAS_IT, alias=alias)
            state = label(desk.language, topic_texts.STATE_NAMES[error.state])
            return label(desk.language, "The ticket is {state}.", state=state)
        except AnswerStoppedError as error:
            return label(desk.language, topic_texts.STOPPED[error.notice], **error.values)
    return label(desk.language, "OK")


async def _on_message(update: Update, context: Context, message: Message) -> None:
    desk, user = context.services.desk, message.from_user
    assert desk is not None
    assert user is not None
    if user.id == context.bot.id:  # Telegram delivers what the bot itself does to topics
        return
    if message.left_chat_member is not None:
        await remove_role(context, message.left_chat_member.id)
        return
    if not message.is_topic_message or message.message_thread_id is None:
        return  # General and its threads are no tickets
    is_anonymous = message.sender_chat is not None
    if user.is_bot and not is_anonymous:
        return
    actor = None
    if not is_anonymous:
        actor = await find_staff_actor(context, user.id, user.first_name)
        if actor is None:
            return
    async with context.services.database.unit_of_work() as session:
        ticket = await desk.tickets.find_by_topic(session, message.message_thread_id)
        if ticket is None:
            return
        if actor is None:
            await _explain_anonymity(context, session, ticket, message)
            return
        act = TicketAct(desk, session, ticket, actor, context.services.now(), message.message_id)
        await _act_on_message(update, context, message, _with_reply(act, message))


async def _explain_anonymity(
    context: Context, session: AsyncSession, ticket: Ticket, message: Message
) -> None:
    """Tell somebody who writes as the group which setting to change, once a ticket."""
    desk, now = context.services.desk, context.services.now()
    assert desk is not None
    if message.text is None or not note_hint(ticket, _NOBODY):
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
    text = _WIDE_SLASHES.sub(_narrow, message.text or message.caption or "")
    if update.edited_message is not None:
        await staff_answers.change_answer(context, message, act)
    elif text.startswith(NOTE):
        return
    elif text.startswith("/"):
        await _run_command(context, text, act)
    elif act.replied_author not in (None, act.actor.user_id):
        return  # to a colleague
    else:
        await staff_answers.send_answer(context, message, act)


async def _follow_topic(act: TicketAct, *, is_closed: bool) -> None:
    """Resolve or reopen the ticket of a topic that was closed or reopened by hand."""
    event = TicketEvent.RESOLVED if is_closed else TicketEvent.REOPENED
    try:
        await act.desk.tickets.move(
            act.session, act.ticket, event, act.actor, act.now, is_topic_moved=True
        )
    except TicketRefusedError:  # it is so already
        return


async def _run_command(context: Context, text: str, act: TicketAct) -> None:
    """Run a command; everything else that begins like one is meant for the library."""
    typed, _, argument = text[1:].strip().partition(" ")
    command = typed.partition("@")[0]
    query = f"{command} {argument}".strip()
    if not query:
        return
    search = partial(library_answers.type_code, context, query)
    run: StaffCommand = COMMANDS.get(command.lower(), search)
    try:
        await run(replace(act, argument=argument.strip()))
    except NotAllowedError as error:
        alias = await staff.find_alias(act.session, error.assignee)
        await act.notify("not_allowed", {"alias": alias})
    except TicketRefusedError as error:
        await act.notify("not_possible", {"state": error.state})
    except AnswerStoppedError as error:
        await act.notify(error.notice, error.values)


def _with_reply(act: TicketAct, message: Message) -> TicketAct:
    """Return an act with the message that one replies to.

    Telegram ties every message of a topic to the one that it begins with; that is no reply.
    """
    replied = message.reply_to_message
    if replied is None or replied.forum_topic_created is not None:
        return act
    author = replied.from_user
    is_person = author is not None and not author.is_bot
    return replace(
        act,
        replied=replied.message_id,
        replied_author=author.id if author is not None and is_person else None,
    )


def _narrow(found: re.Match[str]) -> str:
    return "/" * len(found[0])


def _is_service(message: Message) -> bool:
    return not (message.text or message.caption or message.effective_attachment)
