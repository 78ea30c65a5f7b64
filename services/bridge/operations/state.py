"""How far an operation has come, as a table.

What matters is the moment the cryptogram leaves. Before it, whatever is cut off is over, and the
card is as it was. After it, the new PIN may be set or not: what is cut off then is *unresolved*
until the bridge tells its end after all, or the card proves it.
"""

from collections.abc import Mapping
from enum import StrEnum
from types import MappingProxyType


class OperationState(StrEnum):
    """How far an operation has come."""

    RUNNING = "running"
    """The bridge is at it; nothing of the server is needed."""
    AUTHORISED = "authorised"
    """Person, code and state are right; the bridge finds the card on record, and the person types
    the new PIN."""
    RELEASED = "released"
    """The cryptogram is on record as gone."""
    ANSWERED = "answered"
    """The card has proved itself, and gets its new PIN."""
    UNRESOLVED = "unresolved"
    """It was cut off after the cryptogram."""
    PROVING = "proving"
    """The card is asked to prove that its new PIN is set."""
    OVER = "over"


class Happening(StrEnum):
    """What moves an operation."""

    VALUE = "value"
    """The bridge gives what was asked for."""
    CHALLENGE = "challenge"
    ANSWER = "answer"
    RECEIPT = "receipt"
    """The bridge gives a proof of possession, and it is right."""
    FAILURE = "failure"
    """The bridge tells that it failed, and that the PIN is as it was."""
    DOUBT = "doubt"
    """The bridge does not know whether the PIN is set, or cannot prove it."""
    CUT = "cut"
    """Link, time, pairing or server ended."""
    CANCEL = "cancel"
    """The person does not want it any more."""
    PROVE = "prove"
    """The card is to be asked."""


_S, _H = OperationState, Happening
TABLE: Mapping[tuple[OperationState, Happening], OperationState] = MappingProxyType(
    {
        (_S.RUNNING, _H.VALUE): _S.OVER,
        (_S.RUNNING, _H.FAILURE): _S.OVER,
        (_S.RUNNING, _H.DOUBT): _S.OVER,
        (_S.RUNNING, _H.CUT): _S.OVER,
        (_S.RUNNING, _H.CANCEL): _S.OVER,
        (_S.AUTHORISED, _H.CHALLENGE): _S.RELEASED,
        (_S.AUTHORISED, _H.RECEIPT): _S.OVER,  # unlocked by the PUK; it does not activate
        (_S.AUTHORISED, _H.FAILURE): _S.OVER,
        (_S.AUTHORISED, _H.DOUBT): _S.OVER,
        (_S.AUTHORISED, _H.CUT): _S.OVER,
        (_S.AUTHORISED, _H.CANCEL): _S.OVER,
        (_S.RELEASED, _H.ANSWER): _S.ANSWERED,
        (_S.RELEASED, _H.FAILURE): _S.OVER,
        (_S.RELEASED, _H.DOUBT): _S.UNRESOLVED,
        (_S.RELEASED, _H.CUT): _S.UNRESOLVED,
        (_S.ANSWERED, _H.RECEIPT): _S.OVER,
        (_S.ANSWERED, _H.FAILURE): _S.OVER,
        (_S.ANSWERED, _H.DOUBT): _S.UNRESOLVED,
        (_S.ANSWERED, _H.CUT): _S.UNRESOLVED,
        (_S.UNRESOLVED, _H.RECEIPT): _S.OVER,
        (_S.UNRESOLVED, _H.FAILURE): _S.OVER,
        (_S.UNRESOLVED, _H.DOUBT): _S.UNRESOLVED,
        (_S.UNRESOLVED, _H.CUT): _S.UNRESOLVED,
        (_S.UNRESOLVED, _H.PROVE): _S.PROVING,
        (_S.PROVING, _H.RECEIPT): _S.OVER,
        (_S.PROVING, _H.FAILURE): _S.OVER,
        (_S.PROVING, _H.DOUBT): _S.UNRESOLVED,
        (_S.PROVING, _H.CUT): _S.UNRESOLVED,
        (_S.PROVING, _H.CANCEL): _S.UNRESOLVED,
    }
)
"""What has no cell has no effect there: a cryptogram is never given twice, and what is on its way
to the card is not cancelled."""


def after(state: OperationState, happening: Happening) -> OperationState:
    """Give the state that something leads to; it has to be allowed."""
    return TABLE[state, happening]


def allowed(state: OperationState, happening: Happening) -> bool:
    """Tell whether something may happen in a state."""
    return (state, happening) in TABLE
