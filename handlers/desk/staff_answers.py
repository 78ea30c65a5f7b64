"""What agents write in a topic: answers for the subscriber, and notes for colleagues."""

from urllib.parse import urlsplit

from telegram import Message, MessageEntity

import locales
from handlers.context import Context
from handlers.desk.ticket_act import TicketAct, note_hint
from services.desk import staff
from services.desk.answer_check import HoldReason, check_answer
from services.desk.mirror import MirroredMessage
from services.desk.models import Direction
from services.desk.ticket_states import BOT_IS_SILENT, TicketEvent, TicketState

_URLS = (MessageEntity.URL, MessageEntity.TEXT_LINK)


async def send_answer(context: Context, message: Message, act: TicketAct) -> None:
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


async def change_answer(context: Context, message: Message, act: TicketAct) -> None:
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


async def _explain_note(act: TicketAct, state: TicketState) -> None:
    """Tell somebody once a ticket that what they write is not sent."""
    if not note_hint(act.ticket, act.actor.user_id):
        return
    if state in BOT_IS_SILENT:
        alias = await staff.find_alias(act.session, act.ticket.assignee)
        await act.notify("not_sent_other", {"alias": alias})
    elif state is TicketState.WAITING:
        await act.notify("not_sent_waiting")
    else:
        await act.notify("not_sent_resolved")


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
