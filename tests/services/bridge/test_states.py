"""Every cell of the tables of transitions and allowed messages."""

import pytest

from reader_bridge.protocol import SessionState
from reader_bridge.protocol.messages import BRIDGE_MESSAGES
from services.bridge.connection import ALLOWED_MESSAGES as MESSAGES
from services.bridge.operations.state import TRANSITIONS, OperationState, Trigger, is_allowed

_S, _H = OperationState, Trigger
CELLS = [(state, happening) for state in OperationState for happening in Trigger]
BEFORE = {_S.RUNNING, _S.AUTHORISED}
ENDS = {_H.VALUE, _H.RECEIPT, _H.FAILURE, _H.ABORT}
AFTER = {_S.RELEASED, _S.ANSWERED, _S.UNRESOLVED, _S.PROVING}


@pytest.mark.parametrize(("state", "happening"), CELLS)
def test_the_cryptogram_parts_what_is_over_from_what_is_in_doubt(
    state: OperationState, happening: Trigger
) -> None:
    then = TRANSITIONS.get((state, happening))
    assert is_allowed(state, happening) is (then is not None)
    if state is _S.OVER:
        assert then is None
    elif state in BEFORE and happening is _H.STOP:
        assert then is _S.STOPPING
    elif state is _S.STOPPING:
        assert then is (_S.OVER if happening in ENDS else None)
    elif state in BEFORE and happening in (_H.ABORT, _H.CANCEL, _H.FAILURE, _H.DOUBT):
        assert then is _S.OVER
    elif state in AFTER and happening in (_H.ABORT, _H.DOUBT):
        assert then is _S.UNRESOLVED
    elif state in AFTER and happening in (_H.CHALLENGE, _H.VALUE):
        assert then is None
    elif state in AFTER and then is _S.OVER:
        assert happening in (_H.RECEIPT, _H.FAILURE)


def test_one_cell_alone_releases_a_cryptogram() -> None:
    releasing = [cell for cell, then in TRANSITIONS.items() if then is _S.RELEASED]
    assert releasing == [(_S.AUTHORISED, _H.CHALLENGE)]


def test_what_is_on_its_way_to_the_card_is_not_cancelled() -> None:
    assert not is_allowed(_S.RELEASED, _H.CANCEL)
    assert not is_allowed(_S.ANSWERED, _H.CANCEL)


@pytest.mark.parametrize("state", list(MESSAGES))
@pytest.mark.parametrize("kind", list(BRIDGE_MESSAGES))
def test_operations_are_spoken_of_by_paired_bridges_only(state: SessionState, kind: str) -> None:
    is_allowed = BRIDGE_MESSAGES[kind] in MESSAGES[state]
    if kind in {"progress", "admin_challenge", "admin_answer", "result", "failure"}:
        assert is_allowed is (state is SessionState.PAIRED)
    elif kind in ("error", "bye"):
        assert is_allowed
    elif kind == "hello":
        assert not is_allowed
