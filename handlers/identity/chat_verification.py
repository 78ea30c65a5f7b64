"""Verifying a person so that a chat may try their code again: birth date and one-time code.

It is for chats that were wrong three times in a day, and for chats that nobody knows where such
chats were wrong too often. Two steps, ``verify`` and ``verify_mailed``; a right one-time code leads
to ``code`` of `CodeVerification`.
"""

from collections.abc import Mapping

from handlers.engine.model import Step
from handlers.identity.birth_date_verification import BirthDateVerification
from handlers.identity.code_verification import FORGOTTEN_BUTTON, LOST_CARD_LINK
from handlers.identity.error_messages import VERIFY
from handlers.identity.one_time_code_step import OneTimeCodeStep
from handlers.screen.text import N_
from services.authority.data_types import AuthorityOperation
from services.authority.interface.authority import Authority

_MAIL_LIMIT = Step(
    N_(
        "⏳ <b>Come back then to verify your identity.</b> Lost the card and can't wait? Send the "
        "emergency form by fax."
    ),
    links=("suspend/fax", "retrieve"),
)


def chat_verification_steps(authority: Authority) -> Mapping[str, Step]:
    """Return the steps, for a conversation that has those of `CodeVerification`."""
    one_time_code = OneTimeCodeStep(
        authority,
        AuthorityOperation.VERIFY,
        "code",
        _MAIL_LIMIT,
        name="verify_mailed",
        limit_name="verify_limit",
        next_steps=(LOST_CARD_LINK,),
    )
    verification = BirthDateVerification(
        authority,
        one_time_code,
        VERIFY,
        buttons=(FORGOTTEN_BUTTON,),
        next_steps=(LOST_CARD_LINK,),
    )
    return {**verification.steps, **one_time_code.steps}
