"""The states of a ticket, the events that change them, and who may cause each event."""

from collections.abc import Mapping
from dataclasses import dataclass
from enum import IntEnum, StrEnum


class TicketState(StrEnum):
    """State of a ticket."""

    WAITING = "waiting"
    """For an agent; the bot still answers."""
    TAKEN = "taken"
    """An agent has it, and the subscriber waits for an answer."""
    PENDING = "pending"
    """An agent has answered; the subscriber is expected to write."""
    SNOOZED = "snoozed"
    """An agent has put it aside until a certain time."""
    RESOLVED = "resolved"


class TicketEvent(StrEnum):
    """Something that happens to a ticket."""

    WROTE = "wrote"
    """The subscriber sent a message."""
    WITHDRAWN = "withdrawn"
    """The subscriber went back to the bot."""
    TAKEN = "taken"
    TAKEN_OVER = "taken_over"
    """An agent took it from another."""
    ANSWERED = "answered"
    RELEASED = "released"
    """Given back by the assignee, for anybody to take."""
    SNOOZED = "snoozed"
    WOKEN = "woken"
    """The time that it was put aside for is over."""
    FELL_SILENT = "fell_silent"
    """The assignee did not answer in time."""
    RESOLVED = "resolved"
    REOPENED = "reopened"
    EXPIRED = "expired"
    """Nobody wrote for a long time."""


class Reason(StrEnum):
    """What a ticket was about, or why it ended without an answer; exactly one holds."""

    APPLYING = "applying"
    """Applying for the card and collecting it."""
    PAYING = "paying"
    CODE = "code"
    """The subscriber code."""
    CARD = "card"
    """A card that is lost or locked."""
    READER = "reader"
    """Card readers, programs and web pages."""
    REFERRED = "referred"
    """Sent on to the hotline or an office."""
    NO_REPLY = "no_reply"
    OTHER = "other"


class Role(IntEnum):
    """Role of a member of the staff; a higher one may do what a lower one may."""

    AGENT = 1
    EDITOR = 2
    """Also edits answers, and lets held messages go."""
    ADMIN = 3
    """Also sets roles, and releases the tickets of others."""


class Relation(StrEnum):
    """Relation of somebody to a ticket."""

    SUBSCRIBER = "subscriber"
    AGENT = "agent"
    """Anybody of the staff."""
    ASSIGNEE = "assignee"
    ADMIN = "admin"
    SYSTEM = "system"
    """Nobody; time has passed."""


_W, _T, _P = TicketState.WAITING, TicketState.TAKEN, TicketState.PENDING
_S, _R = TicketState.SNOOZED, TicketState.RESOLVED

TRANSITIONS: Mapping[TicketEvent, Mapping[TicketState, TicketState]] = {
    TicketEvent.WROTE: {_W: _W, _T: _T, _P: _T, _S: _T, _R: _W},
    TicketEvent.WITHDRAWN: {_W: _R, _T: _R, _P: _R, _S: _R},
    TicketEvent.TAKEN: {_W: _T, _R: _T},
    TicketEvent.TAKEN_OVER: {_T: _T, _P: _T, _S: _T},
    TicketEvent.ANSWERED: {_T: _P, _P: _P, _S: _P},
    TicketEvent.RELEASED: {_T: _W, _P: _W, _S: _W},
    TicketEvent.SNOOZED: {_T: _S, _P: _S},
    TicketEvent.WOKEN: {_S: _T},
    TicketEvent.FELL_SILENT: {_T: _W},
    TicketEvent.RESOLVED: {_W: _R, _T: _R, _P: _R, _S: _R},
    TicketEvent.REOPENED: {_R: _W},
    TicketEvent.EXPIRED: {_W: _R, _T: _R, _P: _R, _S: _R},
}
"""The state after each event, by the state before; anything else is refused."""

ALLOWED: Mapping[TicketEvent, frozenset[Relation]] = {
    TicketEvent.WROTE: frozenset({Relation.SUBSCRIBER}),
    TicketEvent.WITHDRAWN: frozenset({Relation.SUBSCRIBER}),
    TicketEvent.TAKEN: frozenset({Relation.AGENT}),
    TicketEvent.TAKEN_OVER: frozenset({Relation.AGENT}),
    TicketEvent.ANSWERED: frozenset({Relation.ASSIGNEE}),
    TicketEvent.RELEASED: frozenset({Relation.ASSIGNEE, Relation.ADMIN}),
    TicketEvent.SNOOZED: frozenset({Relation.ASSIGNEE}),
    TicketEvent.WOKEN: frozenset({Relation.SYSTEM}),
    TicketEvent.FELL_SILENT: frozenset({Relation.SYSTEM}),
    TicketEvent.RESOLVED: frozenset({Relation.AGENT}),
    TicketEvent.REOPENED: frozenset({Relation.AGENT}),
    TicketEvent.EXPIRED: frozenset({Relation.SYSTEM}),
}
"""Who may cause each event."""

BOT_IS_SILENT = frozenset({TicketState.TAKEN, TicketState.PENDING, TicketState.SNOOZED})
"""States in which an agent has the ticket, and the bot leaves the talking to them."""


class TicketRefusedError(Exception):
    """An event is not possible in the present state of a ticket.

    :ivar state: the state.
    """

    def __init__(self, state: TicketState) -> None:
        super().__init__(f"not possible while {state}")
        self.state = state


class NotAllowedError(Exception):
    """Somebody may not cause an event.

    :ivar assignee: who has the ticket, if anybody.
    """

    def __init__(self, assignee: int | None) -> None:
        super().__init__("somebody else has the ticket")
        self.assignee = assignee


@dataclass(frozen=True)
class StaffActor:
    """A member of the staff who acts."""

    user_id: int
    role: Role

    def relations(self, assignee: int | None) -> frozenset[Relation]:
        """What they are to a ticket with this assignee."""
        found = {Relation.AGENT}
        if self.user_id == assignee:
            found.add(Relation.ASSIGNEE)
        if self.role is Role.ADMIN:
            found.add(Relation.ADMIN)
        return frozenset(found)


def state_after(
    state: TicketState,
    event: TicketEvent,
    by: StaffActor | Relation,
    assignee: int | None,
) -> TicketState:
    """Return the state after an event.

    :param by: a member of the staff, or else the subscriber or the system.
    :raises TicketRefusedError: where the event is not possible in this state.
    :raises NotAllowedError: where they may not cause it.
    """
    after = TRANSITIONS[event].get(state)
    if after is None:
        raise TicketRefusedError(state)
    relations = by.relations(assignee) if isinstance(by, StaffActor) else frozenset({by})
    if not relations & ALLOWED[event]:
        raise NotAllowedError(assignee)
    return after
