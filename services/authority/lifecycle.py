"""The states of an application and of its certificates, as tables.

A cell that leads back to its own state is an act that is done already: doing it again changes
nothing. An act that has no cell in a state is refused there.
"""

from collections.abc import Mapping
from enum import StrEnum
from types import MappingProxyType

from services.authority.errors import WrongStateError


class ApplicationState(StrEnum):
    """How far an application has come (docs/facts.md §1.2)."""

    SUBMITTED = "submitted"
    PAID = "paid"
    ISSUED = "issued"
    POSTED = "posted"
    ACTIVATED = "activated"
    EXPIRED = "expired"


class ApplicationAct(StrEnum):
    """A state change of an application."""

    PAY = "pay"
    REFUND = "refund"
    """Before the card is made, the fee can go back; it is then owed again."""
    ISSUE = "issue"
    POST = "post"
    ACTIVATE = "activate"
    EXPIRE = "expire"


class CertificateState(StrEnum):
    """The common state of the three certificates of a card."""

    INACTIVE = "inactive"
    """Made and not yet activated; published on hold."""
    ACTIVE = "active"
    SUSPENDED = "suspended"
    REVOKED = "revoked"
    EXPIRED = "expired"


class CertificateAct(StrEnum):
    """A state change of certificates (docs/facts.md §1.6)."""

    ACTIVATE = "activate"
    SUSPEND = "suspend"
    """停用"""
    RESUME = "resume"
    """復用"""
    REVOKE = "revoke"
    """廢止"""
    EXPIRE = "expire"


class RevocationReason(StrEnum):
    """Why certificates were revoked (docs/facts.md §1.3, §1.6)."""

    KEY_COMPROMISED = "key-compromised"
    LOST = "lost"
    DATA_CHANGED = "data-changed"
    NOT_NEEDED = "not-needed"
    UI_NUMBER_CHANGED = "ui-number-changed"
    NATIONALITY_CHANGED = "nationality-changed"
    DECEASED = "deceased"


_S, _A = ApplicationState, ApplicationAct
APPLICATION: Mapping[tuple[ApplicationState, ApplicationAct], ApplicationState] = MappingProxyType(
    {
        (_S.SUBMITTED, _A.PAY): _S.PAID,
        (_S.SUBMITTED, _A.REFUND): _S.SUBMITTED,
        (_S.SUBMITTED, _A.EXPIRE): _S.EXPIRED,
        (_S.PAID, _A.PAY): _S.PAID,
        (_S.PAID, _A.REFUND): _S.SUBMITTED,
        (_S.PAID, _A.ISSUE): _S.ISSUED,
        (_S.ISSUED, _A.PAY): _S.ISSUED,
        (_S.ISSUED, _A.ISSUE): _S.ISSUED,
        (_S.ISSUED, _A.POST): _S.POSTED,
        (_S.POSTED, _A.PAY): _S.POSTED,
        (_S.POSTED, _A.ISSUE): _S.POSTED,
        (_S.POSTED, _A.POST): _S.POSTED,
        (_S.POSTED, _A.ACTIVATE): _S.ACTIVATED,
        (_S.ACTIVATED, _A.PAY): _S.ACTIVATED,
        (_S.ACTIVATED, _A.ISSUE): _S.ACTIVATED,
        (_S.ACTIVATED, _A.POST): _S.ACTIVATED,
        (_S.ACTIVATED, _A.ACTIVATE): _S.ACTIVATED,
        (_S.EXPIRED, _A.EXPIRE): _S.EXPIRED,
    }
)

_C, _D = CertificateState, CertificateAct
CERTIFICATE: Mapping[tuple[CertificateState, CertificateAct], CertificateState] = MappingProxyType(
    {
        (_C.INACTIVE, _D.ACTIVATE): _C.ACTIVE,
        (_C.INACTIVE, _D.REVOKE): _C.REVOKED,
        (_C.INACTIVE, _D.EXPIRE): _C.EXPIRED,
        (_C.ACTIVE, _D.ACTIVATE): _C.ACTIVE,
        (_C.ACTIVE, _D.SUSPEND): _C.SUSPENDED,
        (_C.ACTIVE, _D.RESUME): _C.ACTIVE,
        (_C.ACTIVE, _D.REVOKE): _C.REVOKED,
        (_C.ACTIVE, _D.EXPIRE): _C.EXPIRED,
        (_C.SUSPENDED, _D.SUSPEND): _C.SUSPENDED,
        (_C.SUSPENDED, _D.RESUME): _C.ACTIVE,
        (_C.SUSPENDED, _D.REVOKE): _C.REVOKED,
        (_C.SUSPENDED, _D.EXPIRE): _C.EXPIRED,
        (_C.REVOKED, _D.REVOKE): _C.REVOKED,
        (_C.EXPIRED, _D.EXPIRE): _C.EXPIRED,
    }
)

CODE_RECOVERABLE = frozenset({_S.SUBMITTED, _S.PAID, _S.ISSUED, _S.POSTED})
"""Application states in which the subscriber code can still be given back."""
CERTIFICATE_IN_USE = frozenset({_C.INACTIVE, _C.ACTIVE, _C.SUSPENDED})
ON_HOLD = frozenset({_C.INACTIVE, _C.SUSPENDED})
"""Certificate states that are published as ``certificateHold``."""


def next_application_state(state: ApplicationState, act: ApplicationAct) -> ApplicationState:
    """Return the state that `act` leads to.

    :raises WrongStateError: where it is not allowed.
    """
    try:
        return APPLICATION[state, act]
    except KeyError:
        raise WrongStateError(state, act) from None


def next_certificate_state(state: CertificateState, act: CertificateAct) -> CertificateState:
    """Return the state that `act` leads to.

    :raises WrongStateError: where it is not allowed.
    """
    try:
        return CERTIFICATE[state, act]
    except KeyError:
        raise WrongStateError(state, act) from None
