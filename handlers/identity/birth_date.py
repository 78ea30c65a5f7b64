"""Who are you, without the code: UI No. and birth date, then a one-time code by e-mail.

Two steps whose names the conversation chooses; they lead to the step of `OneTimeMail`.
"""

from collections.abc import Mapping
from dataclasses import dataclass

from sqlalchemy.ext.asyncio import AsyncSession

from handlers.engine.model import (
    ButtonTransition,
    InputRejectedError,
    SecretInput,
    Step,
    StepContext,
    StepResult,
)
from handlers.engine.rendering import render_text
from handlers.identity.code import (
    IDENTITY_KEYS,
    MASKED,
    NUMBER,
    look_up_linked_people,
    seal_ui_number,
    unseal_ui_number,
)
from handlers.identity.error_messages import message_for
from handlers.identity.input_parser import IdentityInput, parse_number_and_birth_date
from handlers.identity.one_time_code import OneTimeCodeStep
from handlers.identity.records_notice import records_notice
from handlers.screen.text import N_, Markup, say
from services.authority.errors import GrantExpiredError, WrongStateError
from services.authority.interface.authority import Authority
from services.calendar import today

_ASK = N_(
    "🔐 <b>Who are you?</b> Type your <b>UI No.</b> (統一證號) and your <b>birth date</b>, in one "
    "message or one after the other, for example:\n<code>A900000000 1993-04-12</code>\n\n"
    "ROC years work too (<code>82/4/12</code>). I delete your message at once."
)
_ASK_DATE = N_(
    "🎂 <b>Now the birth date</b> of {masked}, like <code>1993-04-12</code> or "
    "<code>82/4/12</code>. I delete your message at once.\n\n"
    "Another person? Type UI No. and birth date."
)
_NEEDS_NUMBER = N_(
    "I have the date, but whose is it? Please type UI No. and birth date, in one message or the "
    "number first; nothing was counted."
)


@dataclass(frozen=True)
class BirthDateVerification:
    """Asks for UI No. and birth date, and has a one-time code sent.

    :ivar number_step: the name of the step that asks for both.
    :ivar date_step: the name of the one that asks for the date.
    :ivar refused: where a state leads that does not allow it.
    """

    authority: Authority
    one_time_code: OneTimeCodeStep
    number_step: str
    date_step: str
    introduction: str | None = None
    buttons: tuple[ButtonTransition, ...] = ()
    refused_step: str | None = None
    title: str | None = None

    @property
    def steps(self) -> Mapping[str, Step]:
        """The steps."""
        refused = () if self.refused_step is None else (self.refused_step,)
        others = (self.number_step, self.date_step, *self.one_time_code.also_targets, *refused)
        secret = SecretInput(self._read, None, self.one_time_code.name, others, self._enter)
        looked_up = look_up_linked_people(self.authority)
        return {
            self.number_step: Step(
                self._ask, self.buttons, secret_input=secret, on_enter=looked_up, title=self.title
            ),
            self.date_step: Step(_ask_date, self.buttons, secret_input=secret, requires=(NUMBER,)),
        }

    def _ask(self, ctx: StepContext) -> Markup:
        lead = [] if self.introduction is None else [render_text(self.introduction, ctx)]
        ask = _ask_date(ctx) if NUMBER in ctx.data else say(ctx.language, _ASK)
        return Markup("\n\n".join([*lead, ask, records_notice(self.authority, ctx.language)]))

    def _read(self, text: str, ctx: StepContext) -> IdentityInput | None:
        claim = parse_number_and_birth_date(text, today(ctx.now))
        if claim and claim.number is None and NUMBER not in ctx.data:
            raise InputRejectedError(_NEEDS_NUMBER)
        return claim

    async def _enter(
        self, session: AsyncSession, claim: IdentityInput, ctx: StepContext
    ) -> StepResult:
        sealed_input = self.authority.sealed_input
        try:
            number = claim.number or unseal_ui_number(sealed_input, ctx)
        except GrantExpiredError as error:
            return StepResult(
                self.number_step, message=message_for(error), clear_data=IDENTITY_KEYS
            )
        if claim.birth_date is None:
            return StepResult(self.date_step, seal_ui_number(sealed_input, number, ctx))
        try:
            return await self.one_time_code.send_to(session, number, claim.birth_date, ctx)
        except WrongStateError:
            assert self.refused_step is not None
            return StepResult(self.refused_step, clear_data=IDENTITY_KEYS)


def _ask_date(ctx: StepContext) -> Markup:
    return say(ctx.language, _ASK_DATE, masked=ctx.data.get(MASKED, ""))
