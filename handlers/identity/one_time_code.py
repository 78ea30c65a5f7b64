"""The one-time code by e-mail: having it sent, and typing it.

One step, ``mailed``. Under a grant it adds a proof; without one, UI No. and birth date stand for
it, and who does not exist looks the same.
"""

from dataclasses import dataclass, replace
from datetime import date

from sqlalchemy.ext.asyncio import AsyncSession

from handlers.engine.model import (
    ButtonTransition,
    InfoButton,
    InputRejectedError,
    SecretInput,
    StatusMessage,
    Step,
    StepContext,
    StepResult,
)
from handlers.identity.code import GRANT, IDENTITY_KEYS, NUMBER, seal_ui_number, unseal_ui_number
from handlers.identity.error_messages import is_short_pause, message_for
from handlers.identity.input_parser import parse_number_and_birth_date, parse_one_time_code
from handlers.screen.text import N_, Markup, say
from services.authority.errors import (
    AuthorityError,
    ChatPausedError,
    GrantExpiredError,
    OneTimeCodeExpiredError,
    TooManyMailsError,
    WrongOneTimeCodeError,
)
from services.authority.interface.authority import Authority
from services.authority.values import AuthorityOperation, Challenge
from services.calendar import today
from services.formats.hidden import Hidden
from services.formats.one_time_code import OneTimeCode
from services.formats.ui_number import UiNumber

CHALLENGE, BIRTH_DATE = "challenge", "born"
"""What is kept on the way: the challenge, and the birth date, sealed, until there is a grant."""

_ASK = N_(
    "✉️ <b>I am sending a one-time code</b> (一次性驗證碼), six digits, to the e-mail address on "
    "your application. It is good for ten minutes.\n\n"
    "Type it here; I delete your message at once. No mail after two minutes? Look into the spam "
    "folder, or have it sent again."
)
_ASK_IF_KNOWN = N_(
    "✉️ <b>If UI No. and birth date are on record together, a one-time code</b> (一次性驗證碼) is "
    "on its way to the e-mail address on the application: six digits, good for ten minutes.\n\n"
    "Type it here; I delete your message at once. No mail after two minutes? Look into the spam "
    "folder and check number and date. For safety I do not say which of them is not known."
)
SEND_AGAIN = N_("🔁 Send it again")
_SENT_AGAIN = N_(
    "🔁 <b>A new one-time code was asked for.</b> Only the one in the newest mail counts."
)


_NO_MAIL = N_(
    "<b>No mail came?</b>\n"
    "• It may take two minutes. Look into the spam folder, too.\n"
    "• It goes to the e-mail address on your application. For safety I do not show which one "
    "that is.\n"
    "• Only the newest mail counts, for ten minutes. The code is not your subscriber code and "
    "not your PIN.\n"
    "• You do not read that mailbox any more? A person helps at 0800-080-117. Without this code I "
    "cannot go on, so that nobody else can in your name."
)
_PRESS_BACK = N_(
    "🔒 I deleted that. Was the number or the date wrong? Press ‹ Back and type both anew; here I "
    "wait for the code from the mail. Nothing was counted."
)


@dataclass(frozen=True)
class OneTimeCodeStep:
    """The step in which the one-time code is typed.

    :ivar start: the step to begin at again when too much time has passed.
    :ivar here: the name of the step itself.
    :ivar operation: what it is for where there is no grant yet.
    """

    authority: Authority
    operation: AuthorityOperation
    target: str
    start_step: str = "who"
    name: str = "mailed"

    @property
    def also_targets(self) -> tuple[str, ...]:
        """Where having a code sent may lead besides `here`."""
        return (self.start_step, "paused")

    @property
    def step(self) -> Step:
        """The step."""
        secret = SecretInput(_read, self._answer, self.target, self.also_targets)
        again = ButtonTransition(
            "again", SEND_AGAIN, self.name, self._sent, also_targets=self.also_targets
        )
        no_mail = InfoButton("no_mail", N_("🆘 No mail came"), _NO_MAIL)
        return Step(_ask, (again,), (no_mail,), secret_input=secret, requires=(CHALLENGE,))

    @property
    def send_button(self) -> ButtonTransition:
        """The button that has the first one sent, under the grant."""
        return ButtonTransition(
            "mail",
            N_("✉️ Send a one-time code"),
            self.name,
            self._sent,
            also_targets=self.also_targets,
        )

    async def send_to(
        self, session: AsyncSession, number: UiNumber, birth_date: date, ctx: StepContext
    ) -> StepResult:
        """Have a code sent to who has this number and birth date, and keep both, sealed."""
        kept = seal_ui_number(self.authority.sealed_input, number, ctx)
        kept[BIRTH_DATE] = self.authority.sealed_input.seal(
            Hidden(birth_date.isoformat()), ctx.chat_id
        )
        led = await self._sent(session, replace(ctx, data={**ctx.data, **kept}))
        return replace(led, set_data={**kept, **led.set_data}) if led.target != "paused" else led

    async def _sent(self, session: AsyncSession, ctx: StepContext) -> StepResult:
        stays = self.name if CHALLENGE in ctx.data else None
        try:
            async with session.begin_nested():  # what a refusal did is undone, the move is not
                challenge = await self._challenge(session, ctx)
        except TooManyMailsError as error:
            return StepResult(stays or "paused", message=message_for(error))
        except ChatPausedError as error:
            if stays and is_short_pause(error, ctx.now):
                return StepResult(stays, message=message_for(error, ctx.now))
            return StepResult("paused", message=message_for(error), clears_history=True)
        except GrantExpiredError as error:
            return StepResult(self.start_step, message=message_for(error), clear_data=_ALL)
        again = StatusMessage(_SENT_AGAIN) if stays else None
        return StepResult(self.name, {CHALLENGE: challenge.id}, message=again)

    async def _challenge(self, session: AsyncSession, ctx: StepContext) -> Challenge:
        if GRANT in ctx.data:
            grant = ctx.data[GRANT]
            return await self.authority.credentials.send_one_time_code(
                session, grant, ctx.chat_id, ctx.now
            )
        if BIRTH_DATE not in ctx.data:
            raise GrantExpiredError
        number = unseal_ui_number(self.authority.sealed_input, ctx)
        born = date.fromisoformat(
            self.authority.sealed_input.unseal(ctx.data[BIRTH_DATE], ctx.chat_id).reveal()
        )
        return await self.authority.credentials.request_one_time_code(
            session, number, born, self.operation, ctx.chat_id, ctx.now
        )

    async def _answer(self, code: OneTimeCode, ctx: StepContext) -> StepResult:
        answer = self.authority.credentials.check_one_time_code
        challenge = ctx.data[CHALLENGE]
        try:
            grant = await answer(challenge, code, ctx.chat_id, ctx.now, ctx.attempt)
        except (WrongOneTimeCodeError, OneTimeCodeExpiredError) as error:
            return StepResult(self.name, message=message_for(error))
        except ChatPausedError as error:
            if is_short_pause(error, ctx.now):
                return StepResult(self.name, message=message_for(error, ctx.now))
            return StepResult(
                "paused", message=message_for(error), clear_data=_ALL, clears_history=True
            )
        except AuthorityError as error:
            return StepResult(self.start_step, message=message_for(error), clear_data=_ALL)
        return StepResult(
            self.target,
            {GRANT: grant.id},
            clear_data=(*IDENTITY_KEYS, CHALLENGE, BIRTH_DATE),
            clears_history=True,
        )


def _read(text: str, ctx: StepContext) -> OneTimeCode | None:
    code = parse_one_time_code(text)
    if (
        code is None
        and BIRTH_DATE in ctx.data
        and parse_number_and_birth_date(text, today(ctx.now))
    ):
        raise InputRejectedError(_PRESS_BACK)
    return code


def _ask(ctx: StepContext) -> Markup:
    return say(ctx.language, _ASK if GRANT in ctx.data else _ASK_IF_KNOWN)


_ALL = (*IDENTITY_KEYS, GRANT, NUMBER, CHALLENGE, BIRTH_DATE)
