"""What a bridge does with each message of its server, in each state: one table, no other rule."""

from enum import Enum

from reader_bridge.protocol.messages import FromServer
from reader_bridge.protocol.operation_messages import (
    AdminCryptogram,
    AdminVerified,
    Cancel,
    ErrorMessage,
    Start,
)
from reader_bridge.protocol.pairing_messages import (
    Paired,
    PairOffer,
    PairRefused,
    Unpaired,
)
from reader_bridge.protocol.vocabulary import SessionState


class Reaction(Enum):
    """What is done."""

    IGNORE = "ignore"
    """It comes too late, and that is nobody's mistake."""
    NOT_NOW = "not_now"
    """It is answered `bad_state`, and has no effect."""
    ASK_CODE_AGAIN = "ask_code_again"
    COMPARE = "compare"
    """The person is asked whether host, name and words are right."""
    BECOME_PAIRED = "become_paired"
    BECOME_UNPAIRED = "become_unpaired"
    START = "start"
    REFUSE_START = "refuse_start"
    """The operation fails with `bad_state`."""
    BUSY = "busy"
    """The operation fails with `busy`."""
    DELIVER = "deliver"
    """It is what the running operation waits for."""
    STOP = "stop"


_S, _R = SessionState, Reaction
_UNPAIRED: dict[type[FromServer], Reaction] = {
    Start: _R.REFUSE_START,
    Cancel: _R.IGNORE,
    AdminCryptogram: _R.IGNORE,
    AdminVerified: _R.IGNORE,
    ErrorMessage: _R.IGNORE,
}
_PAIRED: dict[type[FromServer], Reaction] = {
    Unpaired: _R.BECOME_UNPAIRED,
    Cancel: _R.STOP,
    AdminCryptogram: _R.IGNORE,
    AdminVerified: _R.IGNORE,
    ErrorMessage: _R.IGNORE,
}
TABLE: dict[SessionState, dict[type[FromServer], Reaction]] = {
    _S.UNPAIRED: {**_UNPAIRED, Unpaired: _R.IGNORE},
    _S.OFFERED: {
        **_UNPAIRED,
        PairRefused: _R.ASK_CODE_AGAIN,
        PairOffer: _R.COMPARE,
        Unpaired: _R.BECOME_UNPAIRED,
    },
    _S.CONFIRMING: {**_UNPAIRED, Unpaired: _R.BECOME_UNPAIRED},
    _S.ANSWERED: {**_UNPAIRED, Paired: _R.BECOME_PAIRED, Unpaired: _R.BECOME_UNPAIRED},
    _S.PAIRED: {**_PAIRED, Start: _R.START},
    _S.WORKING: {**_PAIRED, Start: _R.BUSY},
    _S.AUTHENTICATING: {**_PAIRED, Start: _R.BUSY, AdminCryptogram: _R.DELIVER},
    _S.PROVING: {**_PAIRED, Start: _R.BUSY, AdminVerified: _R.DELIVER},
}
"""A message that is in no line of a state is :attr:`Reaction.NOT_NOW` there."""


def reaction(state: SessionState, message: FromServer) -> Reaction:
    """Look up what is done with a message."""
    return TABLE[state].get(type(message), Reaction.NOT_NOW)
