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
            "💳 <b>You don't have a card yet: the fee is not paid.</b> No changes were made. "
            "Pay first; then your card is made and posted."
        ),
        links=("pay", "status"),
    ),
    WAITING: Step(
        N_(
            "📮 <b>Your card is still being made or posted.</b> No changes were made. No one "
            "can use a card that is not activated."
        ),
        links=("status",),
    ),
    INACTIVE: Step(
        N_(
            "🆕 <b>The card is not activated yet</b> (未開卡). No changes were made. No one can "
            "use it without activating it with the subscriber code."
        ),
        links=("activate", "status"),
    ),
    REVOKED: Step(
        N_(
            "🗑 <b>The certificate is revoked (廢止).</b> No changes were made. No one can use "
            "it, and this can't be undone. To get a new card, apply in person at a service "
            "station: {fee}."
        ),
        links=("status",),
    ),
    EXPIRED: Step(
        N_(
            "⌛ <b>The certificate has expired (過期).</b> No changes were made. No one can use "
            "it. To get a new card, apply in person at a service station: {fee}."
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
