"""The subscriber's side of the desk: asking for a person, what is passed on, and going back."""

from telegram import Message, Update
from telegram.constants import ChatType
from telegram.ext import BaseHandler

from handlers.context import Context
from handlers.desk import subscriber_texts
from handlers.desk.subscriber_texts import LOST_ORIGINS
from handlers.engine import message_handler
from handlers.engine.session import conversation_session
from handlers.faq.questions import is_courtesy
from handlers.screen.deletion import delete_incoming_message
from handlers.screen.text import N_, label, say
from handlers.screen.view import send, show, view
from services.desk.calls import CallKind
from services.desk.desk import SupportDesk
from services.desk.mirror import MirroredMessage
from services.desk.models import Direction, Lane
from services.desk.ticket_states import Relation, TicketEvent, TicketState
from services.desk.tickets import Origin, is_muted

_LOST_STEPS = ("suspend/", "triage/lost")
_MAX_STEP = 40
_PAUSED_SECRET = N_("something that a guide asks for")


class TicketChatHandler(BaseHandler[Update, Context, None]):
    """Loads the ticket of a private chat that has one, before any other handler."""

    def __init__(self, desk: SupportDesk) -> None:
        super().__init__(on_ticket_chat)
        self._desk = desk

    def check_update(self, update: object) -> bool:
        """Whether the update is of a chat with a ticket; costs no query."""
        if not isinstance(update, Update):
            return False
        chat = update.effective_chat
        return chat is not None and chat.id in self._desk.chats


async def on_ticket_chat(update: Update, context: Context) -> None:
    """Load the ticket."""
    desk, chat = context.services.desk, update.effective_chat
    assert desk is not None
    assert chat is not None
    async with context.services.database.unit_of_work() as session:
        context.ticket = await desk.find_view(session, chat.id, context.services.now())


async def on_person(update: Update, context: Context) -> None:
    """/person: ask for a person."""
    await _ask(update, context, "", in_place=False)


async def on_bot(update: Update, context: Context) -> None:
    """/bot: go back to the bot."""
    await _withdraw(update, context)


async def on_desk_button(update: Update, context: Context, parts: list[str]) -> str | None:
    """Handle a button.

    ``[ask, origin]``, ``[still, origin]`` after suspension was offered, ``[yes, origin, 0 or 1]``,
    ``[back]``, ``[withdraw]``, and ``[pass, message]`` for pictures.
    """
    chat, desk = update.effective_chat, context.services.desk
    if desk is None or chat is None or chat.type != ChatType.PRIVATE:
        return None
    match parts:
        case ["ask", origin]:
            await _ask(update, context, _read_origin(origin), in_place=False)
        case ["still", origin]:
            await _show_consent(update, context, _read_origin(origin), is_lost_card=True)
        case ["yes", origin, ("0" | "1") as is_lost]:
            await _open(update, context, _read_origin(origin), is_lost_card=is_lost == "1")
        case ["back"]:
            text = say(context.language(update), "OK. Just type your question.")
            await show(update, context, view(text))
        case ["withdraw"]:
            await _withdraw(update, context)
        case ["pass", number] if number.isdecimal():
            await _pass_on_picture(update, context, int(number))
        case _:
            return None
    return ""


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
    if context.ticket is None or context.ticket.is_muted:
        return
    if update.edited_message is not None:
        return
    if message.photo or message.video or message.document:
        asked = subscriber_texts.picture_view(language, message.message_id)
        await send(update, context, asked)
        return
    await _mirror(update, context, _media_of(message))


async def on_edited_text(update: Update, context: Context) -> bool:
    """Change the copy of a message that was passed on; `False` where there is none."""
    message, desk, services = update.edited_message, context.services.desk, context.services
    if message is None or desk is None or context.ticket is None:
        return False
    async with services.database.unit_of_work() as session:
        ticket = await desk.tickets.find(session, context.ticket.id)
        assert ticket is not None
        to_staff, now = Direction.TO_STAFF, services.now()
        return await desk.mirror.change(session, ticket, to_staff, _text_of(message), now)


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


async def _ask(update: Update, context: Context, origin: str, *, in_place: bool) -> None:
    """Show what asking for a person means; a lost card is offered suspension first."""
    desk, language = context.services.desk, context.language(update)
    if desk is None or not desk.is_open_for_tickets:
        return
    if context.is_with_staff:
        await send(update, context, subscriber_texts.with_staff_view(language))
        return
    step = await _step_of(update, context)
    if origin in LOST_ORIGINS or step.startswith(_LOST_STEPS):
        await send(update, context, subscriber_texts.suspend_first_view(language, origin))
        return
    await _show_consent(update, context, origin, is_lost_card=False, in_place=in_place)


async def _show_consent(
    update: Update, context: Context, origin: str, *, is_lost_card: bool, in_place: bool = True
) -> None:
    desk = context.services.desk
    assert desk is not None
    now, language = context.services.now(), context.language(update)
    shown = subscriber_texts.consent_view(desk, language, now, origin, is_lost_card)
    context.step_shown = True
    await (show if in_place else send)(update, context, shown)


async def _open(update: Update, context: Context, answer: str, *, is_lost_card: bool) -> None:
    """Open a ticket, or go on with the one there is."""
    desk, chat, services = context.services.desk, update.effective_chat, context.services
    assert desk is not None
    assert chat is not None
    if not desk.is_open_for_tickets:
        return
    language, now = context.language(update), services.now()
    step = await _step_of(update, context)
    origin = Origin(answer, step, is_lost_card)
    async with services.database.unit_of_work() as session:
        ticket = await desk.tickets.open(session, chat.id, language, origin, now)
        is_with_staff = ticket.state != TicketState.WAITING
        ahead = await desk.tickets.count_ahead(session, ticket)
    desk.chats.add(chat.id)
    if is_with_staff:
        shown = subscriber_texts.with_staff_view(language)
    else:
        shown = subscriber_texts.waiting_view(desk, language, now, ahead)
    context.step_shown = True
    await show(update, context, shown)


async def _withdraw(update: Update, context: Context) -> None:
    desk, services, language = context.services.desk, context.services, context.language(update)
    had_ticket = False
    if desk is not None and context.ticket is not None:
        async with services.database.unit_of_work() as session:
            ticket = await desk.tickets.find(session, context.ticket.id)
            had_ticket = ticket is not None and ticket.state != TicketState.RESOLVED
            if ticket is not None and had_ticket:
                event, by = TicketEvent.WITHDRAWN, Relation.SUBSCRIBER
                await desk.tickets.move(session, ticket, event, by, services.now())
    context.ticket = None
    await show(update, context, subscriber_texts.withdrawn_view(language, had_ticket=had_ticket))
    await message_handler.show_again(update, context)


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
            wrote, by = TicketEvent.WROTE, Relation.SUBSCRIBER
            await desk.tickets.move(session, ticket, wrote, by, now)
            await desk.mirror.send(session, ticket, to_staff, mirrored, now)
    return True


async def _pass_on_picture(update: Update, context: Context, message_id: int) -> None:
    user, language = update.effective_user, context.language(update)
    assert user is not None
    mirrored = MirroredMessage(message_id, user.id, "", None)
    if await _mirror(update, context, mirrored):
        text = say(language, "📨 Passed on to our staff.")
    else:
        text = say(language, "No person has a question of yours. /person asks for one.")
    await show(update, context, view(text))


async def _step_of(update: Update, context: Context) -> str:
    """Return the open step as ``conversation/step``, empty where none is open."""
    session = conversation_session(update, context)
    state = await session.load() if session is not None else None
    if state is None or not state.is_open:
        return ""
    return f"{state.conversation}/{state.step}"[:_MAX_STEP]


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
    return MirroredMessage(message.message_id, message.from_user.id, message.caption or "", None)


def _read_origin(part: str) -> str:
    return "" if part == "-" else part
