"""What a subscriber writes and sends while a ticket is open, on its way to the staff."""

from collections.abc import Sequence

from telegram import Message, Update
from telegram.error import BadRequest

from handlers.context import Context
from handlers.desk import subscriber_texts
from handlers.desk.hidden_media import find_media_file
from handlers.engine import message_handler
from handlers.faq.questions import is_courtesy
from handlers.screen.deletion import delete_incoming_message
from handlers.screen.text import N_, label, say
from handlers.screen.view import send, show, view
from services.desk.answer_check import find_spoken
from services.desk.call_types import CallKind
from services.desk.mirror import MirroredMessage
from services.desk.models import Direction, Lane
from services.desk.ticket_states import Relation, TicketEvent
from services.desk.tickets import is_muted

_PAUSED_SECRET = N_("something that a guide asks for")


async def on_message_with_staff(update: Update, context: Context) -> None:
    """Pass a message on while an agent has the ticket; the bot itself is silent."""
    message = update.effective_message
    assert isinstance(message, Message)
    context.step_shown = True
    if await message_handler.is_secret_input(update, context):
        await withhold(update, context, _PAUSED_SECRET)
        return
    await pass_on(update, context)


async def pass_on(update: Update, context: Context) -> bool:
    """Pass a text to the staff; `False` where it is not for them.

    A text that may be a secret of an open step is not.
    """
    message, ticket = update.effective_message, context.ticket
    if not isinstance(message, Message) or ticket is None or ticket.is_muted:
        return False
    if context.is_confidential and not ticket.is_with_staff:
        return False
    if not ticket.is_open and is_courtesy(message.text or ""):
        return False  # thanks for the answer do not open the ticket again
    return await _mirror(update, context, _text_of(message))


async def pass_on_media(update: Update, context: Context) -> None:
    """Pass media on; a picture or file only once the person says that it shows nothing secret."""
    message, language = update.effective_message, context.language(update)
    assert isinstance(message, Message)
    context.step_shown = True
    if update.edited_message is not None:
        await on_edited_message(update, context)
        return
    mirrored = _media_of(message)
    if not (message.photo or message.video or message.document):
        await _mirror(update, context, mirrored)
    elif await _ask_first(context, mirrored):
        await send(update, context, subscriber_texts.picture_view(language, message.message_id))


async def on_edited_message(update: Update, context: Context) -> bool:
    """Change the copy of a message that was passed on; `False` where there is none."""
    message, desk, services = update.edited_message, context.services.desk, context.services
    if message is None or desk is None or context.ticket is None:
        return False
    async with services.database.unit_of_work() as session:
        ticket = await desk.tickets.find(session, context.ticket.id)
        assert ticket is not None
        to_staff, now = Direction.TO_STAFF, services.now()
        edited = _text_of(message) if message.text else _media_of(message)
        return await desk.mirror.change(session, ticket, to_staff, edited, now)


async def withhold(update: Update, context: Context, what: str) -> None:
    """Delete a message that must not reach the staff, and tell both sides.

    :param what: what it looks like; a message of the catalogue.
    """
    message, language = update.effective_message, context.language(update)
    assert isinstance(message, Message)
    context.services.mark_secret(update.update_id)
    await delete_incoming_message(message)
    await note_withheld(update, context, what)
    text = say(
        language,
        "🔒 I deleted your message and did not pass it on: it looked like {what}. Our staff never "
        "need it.",
        what=label(language, what),
    )
    await send(update, context, view(text))


async def note_withheld(update: Update, context: Context, what: str) -> None:
    """Tell the staff that a message was withheld, and remove the copy of an earlier version."""
    message, desk, view_ = update.effective_message, context.services.desk, context.ticket
    if desk is None or view_ is None or not view_.is_open or not isinstance(message, Message):
        return
    services = context.services
    async with services.database.unit_of_work() as session:
        ticket = await desk.tickets.find(session, view_.id)
        assert ticket is not None
        now = services.now()
        if update.edited_message is not None:
            mirror, to_staff = desk.mirror, Direction.TO_STAFF
            await mirror.remove(session, ticket, to_staff, message.message_id, now)
        values = {"what": what}
        lane, kind = Lane.GROUP, CallKind.NOTICE
        await desk.calls.add(session, ticket.id, lane, kind, now, name="withheld", values=values)


async def pass_on_picture(update: Update, context: Context, message_id: int) -> None:
    """Pass a picture on that was asked about, with its album."""
    desk, services, known = context.services.desk, context.services, context.ticket
    language, now, is_passed_on = context.language(update), services.now(), False
    if desk is not None and known is not None and not known.is_muted:
        async with services.database.unit_of_work() as session:
            ticket = await desk.tickets.find(session, known.id)
            if ticket is not None:
                pass_on_held = desk.held.pass_on
                is_passed_on = await pass_on_held(session, ticket, message_id, now)
            if ticket is not None and is_passed_on:
                wrote, by = TicketEvent.WROTE, Relation.SUBSCRIBER
                await desk.tickets.move(session, ticket, wrote, by, now)
    if is_passed_on:
        text = say(language, "📨 Passed on to our staff.")
    else:
        text = say(language, "No person has a question of yours. /person asks for one.")
    await show(update, context, view(text))


async def delete_picture(update: Update, context: Context, message_id: int) -> None:
    """Delete a picture in the chat, with its album, instead of passing it on."""
    desk, chat, known = context.services.desk, update.effective_chat, context.ticket
    assert desk is not None
    assert chat is not None
    together: Sequence[int] = ()
    if known is not None:
        async with context.services.database.unit_of_work() as session:
            ticket = await desk.tickets.find(session, known.id)
            if ticket is not None:
                together = await desk.held.drop(session, ticket, message_id)
    language = context.language(update)
    text = say(language, "🗑 Deleted. Please describe in words what it shows.")
    try:
        await context.bot.delete_messages(chat.id, list(together) or [message_id])
    except BadRequest:
        text = say(language, "I can no longer delete it. Please delete it yourself.")
    await show(update, context, view(text))


async def _mirror(update: Update, context: Context, mirrored: MirroredMessage) -> bool:
    """Queue a message for the topic; `False` where the ticket does not take it."""
    desk, services, known = context.services.desk, context.services, context.ticket
    if desk is None or known is None:
        return False
    now, to_staff = services.now(), Direction.TO_STAFF
    async with services.database.unit_of_work() as session:
        ticket = await desk.tickets.find(session, known.id)
        if ticket is None or is_muted(ticket, now):
            return False
        if not await desk.mirror.is_known(session, ticket, to_staff, mirrored.message_id):
            ticket.language = find_spoken(mirrored.text) or ticket.language
            wrote, by = TicketEvent.WROTE, Relation.SUBSCRIBER
            await desk.tickets.move(session, ticket, wrote, by, now)
            await desk.mirror.send(session, ticket, to_staff, mirrored, now)
    return True


async def _ask_first(context: Context, mirrored: MirroredMessage) -> bool:
    """Keep a picture back until its sender agrees; return whether to ask, once for an album."""
    desk, services, known = context.services.desk, context.services, context.ticket
    assert desk is not None
    assert known is not None
    async with services.database.unit_of_work() as session:
        ticket = await desk.tickets.find(session, known.id)
        to_staff, number = Direction.TO_STAFF, mirrored.message_id
        if ticket is None or await desk.mirror.is_known(session, ticket, to_staff, number):
            return ticket is not None  # its update comes again
        return await desk.held.ask_first(session, ticket, mirrored, services.now())


def _text_of(message: Message) -> MirroredMessage:
    replied = message.reply_to_message
    assert message.from_user is not None
    return MirroredMessage(
        message_id=message.message_id,
        author=message.from_user.id,
        text=message.text or "",
        html=message.text_html,
        reply_to=replied.message_id if replied else None,
    )


def _media_of(message: Message) -> MirroredMessage:
    assert message.from_user is not None
    return MirroredMessage(
        message_id=message.message_id,
        author=message.from_user.id,
        text=message.caption or "",
        html=None,
        caption=message.caption_html if message.caption else "",
        album=message.media_group_id or "",
        file=find_media_file(message),
    )
