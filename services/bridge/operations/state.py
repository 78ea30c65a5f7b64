"""The states of an operation and the transitions between them.

What matters is the moment the cryptogram is released. An operation interrupted before it is over,
and the card is as it was. After it, the new PIN may or may not be set: an operation interrupted
then is *unresolved* until the bridge reports the outcome after all, or the card proves it.

A PC can also set a PIN by itself, with the old PIN or the PUK. Such an operation is *stopping*
until the bridge reports whether it did.
"""

from collections.abc import Mapping
from enum import StrEnum
from types import MappingProxyType


class OperationState(StrEnum):
    """State of an operation."""

    RUNNING = "running"
    """The bridge works on it; nothing of the server is needed."""
    AUTHORISED = "authorised"
    """Person, code and state were checked; the bridge finds the card on record, and the person
    types the new PIN."""
    RELEASED = "released"
    """The cryptogram is recorded as released."""
    ANSWERED = "answered"
    """The card has authenticated itself, and gets its new PIN."""
    UNRESOLVED = "unresolved"
    """It was interrupted after the cryptogram."""
    STOPPING = "stopping"
    """The bridge was asked to stop; it reports whether the PIN was set before."""
    PROVING = "proving"
    """The card is asked to prove that its new PIN is set."""
    OVER = "over"


class Trigger(StrEnum):
    """Trigger of a transition."""

    VALUE = "value"
    """The bridge reports the value that was requested."""
    CHALLENGE = "challenge"
    ANSWER = "answer"
    RECEIPT = "receipt"
    """The bridge sends a valid proof of possession."""
    FAILURE = "failure"
    """The bridge reports a failure; the PIN is as it was."""
    DOUBT = "doubt"
    """The bridge does not know whether the PIN is set, or cannot prove it."""
    ABORT = "abort"
    """Connection, time, pairing or server ended."""
    CANCEL = "cancel"
    """The person cancelled."""
    STOP = "stop"
    """It has to end, and the PC could have set a PIN by itself."""
    PROVE = "prove"
    """The card is asked for the outcome."""


_S, _T = OperationState, Trigger
TRANSITIONS: Mapping[tuple[OperationState, Trigger], OperationState] = MappingProxyType(
    {
        (_S.RUNNING, _T.VALUE): _S.OVER,
        (_S.RUNNING, _T.FAILURE): _S.OVER,
        (_S.RUNNING, _T.DOUBT): _S.OVER,
        (_S.RUNNING, _T.ABORT): _S.OVER,
        (_S.RUNNING, _T.CANCEL): _S.OVER,
        (_S.RUNNING, _T.STOP): _S.STOPPING,
        (_S.AUTHORISED, _T.CHALLENGE): _S.RELEASED,
        (_S.AUTHORISED, _T.RECEIPT): _S.OVER,  # unlocked by the PUK; it does not activate
        (_S.AUTHORISED, _T.FAILURE): _S.OVER,
        (_S.AUTHORISED, _T.DOUBT): _S.OVER,
        (_S.AUTHORISED, _T.ABORT): _S.OVER,
        (_S.AUTHORISED, _T.CANCEL): _S.OVER,
        (_S.AUTHORISED, _T.STOP): _S.STOPPING,
        (_S.STOPPING, _T.VALUE): _S.OVER,
        (_S.STOPPING, _T.RECEIPT): _S.OVER,
        (_S.STOPPING, _T.FAILURE): _S.OVER,
        (_S.STOPPING, _T.ABORT): _S.OVER,
        (_S.RELEASED, _T.ANSWER): _S.ANSWERED,
        (_S.RELEASED, _T.FAILURE): _S.OVER,
        (_S.RELEASED, _T.DOUBT): _S.UNRESOLVED,
        (_S.RELEASED, _T.ABORT): _S.UNRESOLVED,
        (_S.ANSWERED, _T.RECEIPT): _S.OVER,
        (_S.ANSWERED, _T.FAILURE): _S.OVER,
        (_S.ANSWERED, _T.DOUBT): _S.UNRESOLVED,
        (_S.ANSWERED, _T.ABORT): _S.UNRESOLVED,
        (_S.UNRESOLVED, _T.RECEIPT): _S.OVER,
        (_S.UNRESOLVED, _T.FAILURE): _S.OVER,
        (_S.UNRESOLVED, _T.DOUBT): _S.UNRESOLVED,
        (_S.UNRESOLVED, _T.ABORT): _S.UNRESOLVED,
        (_S.UNRESOLVED, _T.PROVE): _S.PROVING,
        (_S.PROVING, _T.RECEIPT): _S.OVER,
        (_S.PROVING, _T.FAILURE): _S.OVER,
        (_S.PROVING, _T.DOUBT): _S.UNRESOLVED,
        (_S.PROVING, _T.ABORT): _S.UNRESOLVED,
        (_S.PROVING, _T.CANCEL): _S.UNRESOLVED,
    }
)
"""A trigger without a transition has no effect: a cryptogram is never made twice, and what is on
its way to the card is not cancelled."""


def next_state(state: OperationState, trigger: Trigger) -> OperationState:
    """The state that an allowed trigger leads to."""
    return TRANSITIONS[state, trigger]


def is_allowed(state: OperationState, trigger: Trigger) -> bool:
    """Whether a state has a transition for a trigger."""
    return (state, trigger) in TRANSITIONS
