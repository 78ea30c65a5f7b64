"""Every state of a ticket, with every event and everybody who may cause it."""

import pytest

from services.desk.ticket_states import (
    ALLOWED,
    BOT_IS_SILENT,
    TRANSITIONS,
    NotAllowedError,
    Relation,
    Role,
    StaffActor,
    TicketEvent,
    TicketRefusedError,
    TicketState,
    state_after,
)

BO, CAI = 1, 2
AGENTS = {
    Relation.AGENT: StaffActor(CAI, Role.AGENT),
    Relation.ASSIGNEE: StaffActor(BO, Role.AGENT),
    Relation.ADMIN: StaffActor(CAI, Role.ADMIN),
}


@pytest.mark.parametrize("event", TicketEvent)
@pytest.mark.parametrize("state", TicketState)
@pytest.mark.parametrize("actor", Relation)
def test_the_table_says_what_follows(
    state: TicketState, event: TicketEvent, actor: Relation
) -> None:
    by = AGENTS.get(actor, actor)
    relations = by.relations(BO) if isinstance(by, StaffActor) else {by}
    if state not in TRANSITIONS[event]:
        with pytest.raises(TicketRefusedError) as refused:
            state_after(state, event, by, BO)
        assert refused.value.state is state
    elif not relations & ALLOWED[event]:
        with pytest.raises(NotAllowedError) as forbidden:
            state_after(state, event, by, BO)
        assert forbidden.value.assignee == BO
    else:
        assert state_after(state, event, by, BO) is TRANSITIONS[event][state]


def test_every_event_can_happen_and_every_state_can_be_left() -> None:
    assert set(TRANSITIONS) == set(ALLOWED) == set(TicketEvent)
    for state in TicketState:
        assert any(table.get(state, state) is not state for table in TRANSITIONS.values())


def test_a_ticket_that_nobody_has_is_answered_by_nobody() -> None:
    for agent in AGENTS.values():
        with pytest.raises(TicketRefusedError):
            state_after(TicketState.WAITING, TicketEvent.ANSWERED, agent, None)
    assert TicketState.WAITING not in BOT_IS_SILENT
