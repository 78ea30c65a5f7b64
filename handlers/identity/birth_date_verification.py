"""Verification without the code: UI No. and birth date, then a one-time code by e-mail.

Two steps whose names the conversation chooses; they lead to that of `OneTimeCodeStep`.
"""

from collections.abc import Mapping
from dataclasses import dataclass

from sqlalchemy.ext.asyncio import AsyncSession

from handlers.engine.model import (
    ButtonTransition,
    InputRejectedError,
    Links,
    SecretInput,
    Step,
    StepContext,
    StepResult,
)
from handlers.identity.code_verification import (
    look_up_linked_people,
    question_text,
    seal_ui_number,
    unseal_ui_number,
)
from handlers.identity.error_messages import ErrorSteps
from handlers.identity.input_parser import IdentityInput, parse_number_and_birth_date
from handlers.identity.one_time_code_step import OneTimeCodeStep
from handlers.identity.step_data import MASKED, NUMBER
from handlers.screen.text import N_, Markup, say
from services.authority.errors import GrantExpiredError
from services.authority.interface.authority import Authority
from services.calendar import today

_ASK = N_(
    "🔐 <b>Verify your identity.</b> Type your <b>UI No.</b> (統一證號) and <b>birth date</b>:\n"
    "<code>A900000000 1993-04-12</code>\n"
    "ROC years work too (<code>82/4/12</code>). Your message is deleted right away."
)
_ASK_DATE = N_(
    "🎂 <b>Now type the birth date</b> of {masked}, like <code>1993-04-12</code> or "
    "<code>82/4/12</code>. Your message is deleted right away.\n"
    "\n"
    "Someone else? Type their UI No. and birth date."
)
_ASK_AGAIN = N_("🔐 Type UI No. (統一證號) and <b>birth date</b>.")
_ASK_DATE_AGAIN = N_("🎂 Type the <b>birth date</b> of {masked}, like <code>1993-04-12</code>.")
_NEEDS_NUMBER = N_(
    "Please type the UI No. too, then the birth date, in one or two messages. This did not use "
    "up an attempt."
)


@dataclass(frozen=True)
class BirthDateVerification:
    """The steps that ask for UI No. and birth date, and send a one-time code.

    :ivar date_step: the name of the step that asks for the date only.
    :ivar number_step: the name of the one that asks for both; none where the number is known.
    :ivar next_steps: conversations to offer at both, above everything else.
    """

    authority: Authority
    one_time_code: OneTimeCodeStep
    date_step: str
    number_step: str | None = None
    introduction: str | None = None
    buttons: tuple[ButtonTransition, ...] = ()
    next_steps: Links = ()
    title: str | None = None

    @property
    def steps(self) -> Mapping[str, Step]:
        """The steps."""
        targets = (self._start_step, self.date_step, *self.one_time_code.also_targets)
        secret = SecretInput(self._read, None, self.one_time_code.name, targets, self._submit)
        date = Step(
            _ask_date,
            self.buttons,
            secret_input=secret,
            next_steps=self.next_steps,
            requires=(NUMBER,),
            reminder=_ask_date_again,
        )
        if self.number_step is None:
            return {self.date_step: date}
        number = Step(
            self._question,
            self.buttons,
            secret_input=secret,
            next_steps=self.next_steps,
            on_enter=look_up_linked_people(self.authority),
            reminder=self._reminder,
            title=self.title,
            picture="cards",
        )
        return {self.number_step: number, self.date_step: date}

    @property
    def _start_step(self) -> str:
        return self.number_step or self.one_time_code.start_step

    def _question(self, ctx: StepContext) -> Markup:
        question = _ask_date(ctx) if NUMBER in ctx.data else say(ctx.language, _ASK)
        return question_text(self.authority, self.introduction, question, ctx)

    def _reminder(self, ctx: StepContext) -> Markup:
        question = _ask_date_again(ctx) if NUMBER in ctx.data else say(ctx.language, _ASK_AGAIN)
        return question_text(self.authority, None, question, ctx)

    def _read(self, text: str, ctx: StepContext) -> IdentityInput | None:
        typed = parse_number_and_birth_date(text, today(ctx.now))
        if typed and typed.number is None and NUMBER not in ctx.data:
            raise InputRejectedError(_NEEDS_NUMBER)
        return typed

    async def _submit(
        self, session: AsyncSession, typed: IdentityInput, ctx: StepContext
    ) -> StepResult:
        sealed_input = self.authority.sealed_input
        try:
            number = typed.number or unseal_ui_number(sealed_input, ctx)
        except GrantExpiredError as error:
            return ErrorSteps(self._start_step).result_for(error, ctx)
        if typed.birth_date is None:
            return StepResult(self.date_step, seal_ui_number(sealed_input, number, ctx))
        return await self.one_time_code.send_to(session, number, typed.birth_date, ctx)


def _ask_date_again(ctx: StepContext) -> Markup:
    return say(ctx.language, _ASK_DATE_AGAIN, masked=ctx.data.get(MASKED, ""))


def _ask_date(ctx: StepContext) -> Markup:
    return say(ctx.language, _ASK_DATE, masked=ctx.data.get(MASKED, ""))
