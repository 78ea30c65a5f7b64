"""The step that sends a one-time code by e-mail (一次性驗證碼) and takes it.

Under a grant the code adds a proof. Without one, UI No. and birth date stand in for it, and a
person who does not exist looks the same.
"""

from collections.abc import Mapping
from contextlib import suppress
from dataclasses import dataclass, replace
from datetime import date

from sqlalchemy.ext.asyncio import AsyncSession

from handlers.engine.model import (
    ButtonTransition,
    InfoButton,
    InputRejectedError,
    Links,
    SecretInput,
    StatusMessage,
    Step,
    StepContext,
    StepResult,
)
from handlers.identity.code_verification import OnVerified, seal_ui_number, unseal_ui_number
from handlers.identity.error_messages import ErrorSteps, message_for
from handlers.identity.input_parser import parse_number_and_birth_date, parse_one_time_code
from handlers.identity.step_data import ALL_KEYS, BIRTH_DATE, CHALLENGE, GRANT
from handlers.screen.text import N_, Markup, say
from services.authority.data_types import AuthorityOperation, Challenge
from services.authority.errors import (
    AuthorityError,
    GrantExpiredError,
    TooManyMailsError,
)
from services.authority.interface.authority import Authority
from services.calendar import today
from services.formats.hidden import Hidden
from services.formats.one_time_code import OneTimeCode
from services.formats.ui_number import UiNumber

_ASK = N_(
    "✉️ <b>We are sending a one-time code</b> (一次性驗證碼), six digits, to the e-mail address on "
    "your application. It works for ten minutes.\n"
    "\n"
    "Type it here; your message is deleted right away. No mail after two minutes? Check your "
    "spam folder, or send it again."
)
_ASK_IF_KNOWN = N_(
    "✉️ <b>If UI No. and birth date match our records, we are sending a one-time code</b> "
    "(一次性驗證碼) to the e-mail address on the application: six digits, valid for ten minutes.\n"
    "\n"
    "Type it here; your message is deleted right away. No mail after two minutes? Check your "
    "spam folder, and check the number and date."
)
_ASK_AGAIN = N_("✉️ Type the <b>one-time code</b> from the newest mail: six digits.")
_VERIFIED = N_("✅ <b>You're verified.</b> This chat can try the code again.")
SEND_AGAIN = N_("🔁 Send it again")
_SENT_AGAIN = N_(
    "🔁 <b>We are sending a new one-time code.</b> Only the code in the newest mail works."
)


_NO_MAIL = N_(
    "<b>No mail?</b>\n"
    "• Wait two minutes and check your spam folder.\n"
    "• It goes to the e-mail address on your application.\n"
    "• Only the newest code works, for ten minutes. It's not the subscriber code or PIN.\n"
    "• Not paid in time? Then the application was deleted; apply again.\n"
    "• Can't open that mailbox? Call {hotline}."
)
_PRESS_BACK = N_(
    "🔒 Your message was deleted. Was the UI No. or birth date wrong? Press ‹ Back and type "
    "both again. This step needs the code from the mail. This did not use up an attempt."
)


@dataclass(frozen=True)
class OneTimeCodeStep:
    """The step in which the one-time code is typed.

    :ivar operation: what it is for where there is no grant yet.
    :ivar target: where the right code leads.
    :ivar limit_step: the final step where no mail is sent for now.
    :ivar limit_target: where the button under a grant leads then; to that step, where not given.
    :ivar start_step: the step to go back to when the grant has expired.
    :ivar name: the name of the step itself.
    :ivar limit_name: the name of `limit_step`.
    :ivar on_verified: runs after the right code; may lead to `verified_targets`.
    :ivar next_steps: conversations to offer at the step, above everything else.
    """

    authority: Authority
    operation: AuthorityOperation
    target: str
    limit_step: Step
    limit_target: str | None = None
    start_step: str = "who"
    name: str = "mailed"
    limit_name: str = "mail_limit"
    on_verified: OnVerified | None = None
    verified_targets: tuple[str, ...] = ()
    next_steps: Links = ()

    @property
    def also_targets(self) -> tuple[str, ...]:
        """Where sending a code may lead besides the step itself."""
        return (self.start_step, self.limit_name)

    @property
    def steps(self) -> Mapping[str, Step]:
        """The step, and the final one where no mail is sent for now."""
        return {self.name: self._step, self.limit_name: self.limit_step}

    @property
    def _step(self) -> Step:
        targets = (self.start_step, "paused", *self.verified_targets)
        secret = SecretInput(_read, self._submit, self.target, targets)
        again = ButtonTransition(
            "again", SEND_AGAIN, self.name, self._send, also_targets=self.also_targets
        )
        no_mail = InfoButton("no_mail", N_("🆘 I got no mail"), _NO_MAIL)
        return Step(
            _ask,
            (again,),
            (no_mail,),
            secret_input=secret,
            next_steps=self.next_steps,
            requires=(CHALLENGE,),
            reminder=_ASK_AGAIN,
        )

    @property
    def send_button(self) -> ButtonTransition:
        """The button that sends the first code, under the grant."""
        text = N_("✉️ Send a one-time code")
        targets = (self.start_step, self.limit_target or self.limit_name)
        return ButtonTransition("mail", text, self.name, self._send, also_targets=targets)

    async def send_to(
        self, session: AsyncSession, number: UiNumber, birth_date: date, ctx: StepContext
    ) -> StepResult:
        """Send a code to the person with this number and birth date, and keep both, sealed."""
        sealed_input = self.authority.sealed_input
        data = seal_ui_number(sealed_input, number, ctx)
        data[BIRTH_DATE] = sealed_input.seal(Hidden(birth_date.isoformat()), ctx.chat_id)
        others = {key: value for key, value in ctx.data.items() if key != CHALLENGE}
        result = await self._send(session, replace(ctx, data={**others, **data}))
        if result.target != self.name:
            return result
        return replace(result, set_data={**data, **result.set_data})

    async def _send(self, session: AsyncSession, ctx: StepContext) -> StepResult:
        is_sent_again = CHALLENGE in ctx.data
        try:
            async with session.begin_nested():  # undoes what a refusal did, not the transition
                challenge = await self._create_challenge(session, ctx)
        except TooManyMailsError as error:
            return self._refuse(error, ctx)
        except GrantExpiredError as error:
            return ErrorSteps(self.start_step).result_for(error, ctx)
        message = StatusMessage(_SENT_AGAIN) if is_sent_again else None
        return StepResult(self.name, {CHALLENGE: challenge.id}, message=message)

    def _refuse(self, error: TooManyMailsError, ctx: StepContext) -> StepResult:
        """Return where the limit leads: to the code that the person has, or to what else works."""
        message = message_for(error)
        challenge = error.challenge or ctx.data.get(CHALLENGE)
        if challenge is not None:
            return StepResult(self.name, {CHALLENGE: challenge}, message)
        if GRANT in ctx.data and self.limit_target is not None:
            return StepResult(self.limit_target, message=message)
        return StepResult(self.limit_name, {}, message, ALL_KEYS, clears_history=True)

    async def _create_challenge(self, session: AsyncSession, ctx: StepContext) -> Challenge:
        credentials, sealed_input = self.authority.credentials, self.authority.sealed_input
        if GRANT in ctx.data:
            grant = ctx.data[GRANT]
            return await credentials.send_one_time_code(session, grant, ctx.chat_id, ctx.now)
        if BIRTH_DATE not in ctx.data:
            raise GrantExpiredError
        number = unseal_ui_number(sealed_input, ctx)
        sealed = ctx.data[BIRTH_DATE]
        birth_date = date.fromisoformat(sealed_input.unseal(sealed, ctx.chat_id).reveal())
        return await credentials.request_one_time_code(
            session, number, birth_date, self.operation, ctx.chat_id, ctx.now
        )

    async def _submit(self, code: OneTimeCode, ctx: StepContext) -> StepResult:
        check = self.authority.credentials.check_one_time_code
        try:
            grant = await check(ctx.data[CHALLENGE], code, ctx.chat_id, ctx.now, ctx.attempt)
        except AuthorityError as error:
            return ErrorSteps(self.start_step).result_for(error, ctx, retry=self.name)
        if self.operation is AuthorityOperation.VERIFY:  # the code is still to come
            message = StatusMessage(_VERIFIED)
            used = (CHALLENGE, BIRTH_DATE)
            return StepResult(self.target, {}, message, used, clears_history=True)
        result = StepResult(self.target)
        if self.on_verified is not None:
            data = {**ctx.data, GRANT: grant.id}
            result = await self.on_verified(grant.id, replace(ctx, data=data))
        kept = {} if GRANT in result.clear_data else {GRANT: grant.id}
        clear = (*(key for key in ALL_KEYS if key not in kept), *result.clear_data)
        set_data = {**kept, **result.set_data}
        return replace(result, set_data=set_data, clear_data=clear, clears_history=True)


def _read(text: str, ctx: StepContext) -> OneTimeCode | None:
    try:
        code = parse_one_time_code(text)
    except InputRejectedError:
        if _is_number_or_birth_date(text, ctx):
            raise InputRejectedError(_PRESS_BACK) from None
        raise
    if code is None and _is_number_or_birth_date(text, ctx):
        raise InputRejectedError(_PRESS_BACK)
    return code


def _is_number_or_birth_date(text: str, ctx: StepContext) -> bool:
    """Whether somebody corrects what they typed at the step before."""
    if BIRTH_DATE not in ctx.data:
        return False
    with suppress(InputRejectedError):
        return parse_number_and_birth_date(text, today(ctx.now)) is not None
    return False


def _ask(ctx: StepContext) -> Markup:
    return say(ctx.language, _ASK if GRANT in ctx.data else _ASK_IF_KNOWN)
