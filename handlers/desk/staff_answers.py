"""What agents write in a topic: answers for the subscriber, and notes for colleagues."""

from urllib.parse import urlsplit

from telegram import Message, MessageEntity

import locales
from handlers.context import Context
from handlers.desk.ticket_act import TicketAct, note_hint
from services.desk import staff
from services.desk.answer_check import HoldReason, check_answer, is_unreadable
from services.desk.mirror import MirroredMessage
from services.desk.models import Direction, MessageState
from services.desk.ticket_states import BOT_IS_SILENT, TicketEvent, TicketState

_URLS = (MessageEntity.URL, MessageEntity.TEXT_LINK)


async def send_answer(context: Context, message: Message, act: TicketAct) -> None:
    """Send what the assignee writes to the subscriber; of others it is a note."""
    ticket, desk = act.ticket, act.desk
    if not _may_answer(act):
        await _explain_note(act, TicketState(ticket.state))
        return
    to_subscriber = Direction.TO_SUBSCRIBER
    if await desk.mirror.is_known(act.session, ticket, to_subscriber, message.message_id):
        return
    mirrored = _read_message(message, act.replied)
    reason = _check(context, message)
    is_album_held = await desk.held.is_album_held(act.session, ticket, mirrored.album)
    if reason is not None or is_album_held:
        row = await desk.held.hold(act.session, ticket, mirrored, act.now)
        if not is_album_held:
            await act.notify(f"held_{reason}", {"row": row})
        return
    if not mirrored.album and is_unreadable(mirrored.text, ticket.language):
        asked = MessageState.ASKED
        row = await desk.held.hold(act.session, ticket, mirrored, act.now, asked)
        await act.notify("held_script", {"row": row, "language": ticket.language})
        return
    await desk.mirror.send(act.session, ticket, to_subscriber, mirrored, act.now)
    await act.move(TicketEvent.ANSWERED)


async def change_answer(context: Context, message: Message, act: TicketAct) -> None:
    """Change the answer at the subscriber's; one that is held now is removed there.

    An answer that was held, and is harmless now, is sent.
    """
    desk, to_subscriber = act.desk, Direction.TO_SUBSCRIBER
    if not await desk.mirror.is_known(act.session, act.ticket, to_subscriber, message.message_id):
        return
    reason = _check(context, message)
    if reason is not None:
        if await desk.held.find_held(act.session, act.ticket, message.message_id):
            return
        remove = desk.mirror.remove
        if await remove(act.session, act.ticket, to_subscriber, message.message_id, act.now):
            await act.notify(f"removed_{reason}")
        return
    mirrored = _read_message(message, act.replied)
    held = await desk.held.find_held(act.session, act.ticket, message.message_id)
    if held is not None and is_unreadable(mirrored.text, act.ticket.language):
        return
    if held is not None and _may_answer(act):
        await act.move(TicketEvent.ANSWERED)
        await desk.held.release(act.session, act.ticket, held, act.now)
        return
    await desk.mirror.change(act.session, act.ticket, to_subscriber, mirrored, act.now)


def _may_answer(act: TicketAct) -> bool:
    """Whether what they write is for the subscriber."""
    is_theirs = act.ticket.assignee == act.actor.user_id
    return is_theirs and TicketState(act.ticket.state) in BOT_IS_SILENT


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
    return MirroredMessage(
        message_id=message.message_id,
        author=message.from_user.id,
        text=message.text or message.caption or "",
        html=message.text_html if message.text is not None else None,
        reply_to=replied,
        caption=message.caption_html if message.caption else "",
        album=message.media_group_id or "",
    )


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
