"""The subscriber's side of the desk: asking for a person, what is passed on, and going back."""

from telegram import Message, Update
from telegram.constants import ChatType
from telegram.ext import BaseHandler

from handlers.context import Context
from handlers.desk import subscriber_messages, subscriber_texts
from handlers.desk.subscriber_texts import LOST_ORIGINS
from handlers.engine import message_handler
from handlers.engine.session import conversation_session
from handlers.screen.text import label, say
from handlers.screen.view import send, show, view
from services.desk.desk import SupportDesk
from services.desk.statistics import measure_wait
from services.desk.ticket_states import Relation, TicketEvent, TicketState
from services.desk.tickets import Origin

_LOST_STEPS = ("suspend/", "triage/lost")
_MAX_STEP = 40


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
    ``[rate, ticket, 0 or 1]``, ``[back]``, ``[withdraw]``, and for pictures ``[pass, message]``
    and ``[drop, message]``.
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
        case ["rate", number, ("0" | "1") as rating] if number.isdecimal():
            return await _rate(update, context, int(number), is_helpful=rating == "1")
        case ["pass", number] if number.isdecimal():
            await subscriber_messages.pass_on_picture(update, context, int(number))
        case ["drop", number] if number.isdecimal():
            await subscriber_messages.delete_picture(update, context, int(number))
        case _:
            return None
    return ""


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
    async with context.services.database.unit_of_work() as session:
        wait = await measure_wait(session, desk.hours, now)
    shown = subscriber_texts.consent_view(desk, language, now, origin, is_lost_card, wait)
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


async def _rate(update: Update, context: Context, ticket_id: int, *, is_helpful: bool) -> str:
    """Note whether it helped; return the toast."""
    desk, chat, language = context.services.desk, update.effective_chat, context.language(update)
    assert desk is not None
    assert chat is not None
    async with context.services.database.unit_of_work() as session:
        rate = desk.tickets.rate
        if not await rate(session, ticket_id, chat.id, is_helpful=is_helpful):
            return label(language, "You've already rated this answer.")
    shown = update.effective_message
    keyboard = shown.reply_markup if isinstance(shown, Message) else None
    rows = keyboard.inline_keyboard if keyboard else ()
    rated = subscriber_texts.rated_view(language, rows, is_helpful=is_helpful)
    await show(update, context, rated)
    return ""


async def _step_of(update: Update, context: Context) -> str:
    """Return the open step as ``conversation/step``, empty where none is open."""
    session = conversation_session(update, context)
    state = await session.load() if session is not None else None
    if state is None or not state.is_open:
        return ""
    return f"{state.conversation}/{state.step}"[:_MAX_STEP]


def _read_origin(part: str) -> str:
    return "" if part == "-" else part
