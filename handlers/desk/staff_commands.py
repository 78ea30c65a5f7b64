"""What the staff can do with a ticket by a button or a command."""

from collections.abc import Awaitable, Callable, Mapping

from handlers.desk.ticket_act import TicketAct
from services.desk import staff
from services.desk.models import Direction, MessageState
from services.desk.ticket_states import (
    NotAllowedError,
    Reason,
    Role,
    TicketEvent,
    TicketState,
)
from services.desk.tickets import MUTED_FOR

_REASONS = {str(reason): reason for reason in Reason}
_ROLES = {"agent": Role.AGENT, "editor": Role.EDITOR, "admin": Role.ADMIN}


async def _take(act: TicketAct) -> None:
    """Take a ticket that is free, or was resolved."""
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


async def _set_reason(act: TicketAct) -> None:
    """Note what the ticket was about."""
    reason, set_reason = _REASONS.get(act.argument), act.desk.tickets.set_reason
    if reason is not None:
        await set_reason(act.session, act.ticket, reason, act.actor, act.now)


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
    await act.tell_subscriber(name)
    await act.notify(name)


async def _undo(act: TicketAct) -> None:
    """Remove an answer at the subscriber's: the one replied to, or else their latest."""
    mirror, author = act.desk.mirror, act.actor.user_id
    answer = act.replied
    if answer is None:
        answer = await mirror.find_last_answer(act.session, act.ticket, author)
    else:
        sent = await act.desk.answers.find_latest(act.session, act.ticket, answer)
        answer = answer if sent is None else sent.source_message_id
    direction = Direction.TO_SUBSCRIBER
    if answer is None or not await mirror.is_author(act.session, act.ticket, answer, author):
        await act.notify("nothing_to_undo")
    elif await mirror.remove(act.session, act.ticket, direction, answer, act.now, with_album=True):
        about = f"message {answer}"
        staff.record_act(act.session, author, "undone", act.now, act.ticket.id, about)


async def _send_anyway(act: TicketAct) -> None:
    """Send a message that was held back; for editors."""
    if act.actor.role < Role.EDITOR or not act.argument.isdecimal():
        raise NotAllowedError(act.ticket.assignee)
    release = act.desk.held.release
    if await release(act.session, act.ticket, int(act.argument), act.now):
        about = f"held message {act.argument}"
        staff.record_act(
            act.session, act.actor.user_id, "sent_anyway", act.now, act.ticket.id, about
        )


async def _confirm(act: TicketAct) -> None:
    """Send a message whose script the subscriber may not read; for the assignee."""
    if not act.argument.isdecimal():
        return
    await act.move(TicketEvent.ANSWERED)
    row, asked = int(act.argument), {MessageState.ASKED}
    if await act.desk.held.release(act.session, act.ticket, row, act.now, asked):
        about, author = f"held message {row}", act.actor.user_id
        staff.record_act(act.session, author, "confirmed", act.now, act.ticket.id, about)


async def _set_role(act: TicketAct) -> None:
    """Set the role of whoever wrote the message that is replied to; for admins."""
    role, member = _ROLES.get(act.argument), act.replied_author
    if act.actor.role is not Role.ADMIN or role is None or member is None:
        return
    if await staff.set_role(act.session, member, role) is not None:
        about = f"{member} {act.argument}"
        staff.record_act(act.session, act.actor.user_id, "set_role", act.now, about=about)


async def _do_nothing(act: TicketAct) -> None:
    """Stand for a button that only shows something."""


StaffCommand = Callable[[TicketAct], Awaitable[None]]
"""Raises `TicketRefusedError` or `NotAllowedError` where it cannot be done."""
BUTTONS: Mapping[str, StaffCommand] = {
    "take": _take,
    "over": _take_over,
    "release": _release,
    "resolve": _resolve,
    "reopen": _reopen,
    "snooze": _snooze,
    "send": _send_anyway,
    "reason": _set_reason,
    "confirm": _confirm,
    "nothing": _do_nothing,
}
COMMANDS: Mapping[str, StaffCommand] = {
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
