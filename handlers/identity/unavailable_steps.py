"""Final steps for a state that does not allow the operation."""

from collections.abc import Mapping

from handlers.engine.model import Step
from handlers.screen.text import N_
from services.authority.lifecycle import ApplicationState, CertificateState

UNPAID, WAITING, INACTIVE, REVOKED, EXPIRED = (
    "unpaid", "waiting", "inactive", "revoked", "expired",
)  # fmt: skip
UNAVAILABLE_STEP_NAMES = (UNPAID, WAITING, INACTIVE, REVOKED, EXPIRED)

UNAVAILABLE_STEPS: Mapping[str, Step] = {
    UNPAID: Step(
        N_(
            "💳 <b>There is no card yet: the application is not paid.</b> Nothing was changed. Pay "
            "first; then the card is made and posted."
        ),
        links=("pay", "status"),
    ),
    WAITING: Step(
        N_(
            "📮 <b>The card is still being made or posted.</b> Nothing was changed, and nobody can "
            "use a card that is not activated."
        ),
        links=("status",),
    ),
    INACTIVE: Step(
        N_(
            "🆕 <b>The card is not activated yet</b> (未開卡). Nothing was changed. Nobody can use "
            "it before its activation, for which the subscriber code is needed."
        ),
        links=("activate", "status"),
    ),
    REVOKED: Step(
        N_(
            "🗑 <b>The certificate is revoked (廢止).</b> Nothing was changed; it cannot be undone "
            "and nobody can use it. For a new card apply in person at a service station: NT$278."
        ),
        links=("status",),
    ),
    EXPIRED: Step(
        N_(
            "⌛ <b>The certificate has expired (過期).</b> Nothing was changed; nobody can use it. "
            "For a new card apply in person at a service station: NT$278."
        ),
        links=("status",),
    ),
}

UNAVAILABLE_STEP_FOR: Mapping[str, str] = {
    ApplicationState.SUBMITTED: UNPAID,
    ApplicationState.PAID: WAITING,
    ApplicationState.ISSUED: WAITING,
    ApplicationState.POSTED: INACTIVE,
    CertificateState.INACTIVE: INACTIVE,
    CertificateState.REVOKED: REVOKED,
    CertificateState.EXPIRED: EXPIRED,
}
"""The name of the step that explains a state."""
