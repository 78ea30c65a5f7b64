"""Verification by UI No. and subscriber code, the one way in which conversations ask for them.

Two steps, ``who`` and ``code``, and the final steps ``paused`` and ``locked``. A chat that may not
try the code for now is led to `handlers.identity.chat_verification`. Both values may be typed in
one message. What was typed is deleted from the chat; the UI No. stays sealed between the
steps, and after a right code only a grant is kept.
"""

from collections.abc import Awaitable, Callable, Mapping
from dataclasses import dataclass, replace

from sqlalchemy.ext.asyncio import AsyncSession

from handlers.engine.model import (
    ButtonTransition,
    Effect,
    InputRejectedError,
    OnEnter,
    SecretInput,
    Step,
    StepContext,
    StepResult,
)
from handlers.engine.rendering import render_text
from handlers.identity.error_messages import VERIFY, ErrorSteps
from handlers.identity.input_parser import IdentityInput, parse_number_and_code
from handlers.identity.records_notice import records_notice
from handlers.identity.step_data import (
    GRANT,
    IDENTITY_KEYS,
    LINKED_NUMBERS,
    LINKED_PEOPLE,
    MASKED,
    MAX_LINKED_PEOPLE,
    NUMBER,
    UNLINKED,
    WRONG_CODE,
)
from handlers.screen.text import N_, Markup, say
from services.authority.data_types import AuthorityOperation
from services.authority.errors import (
    AuthorityError,
    GrantExpiredError,
    UnknownPersonError,
    WrongCodeError,
)
from services.authority.interface.authority import Authority
from services.authority.interface.credentials import SealedInput
from services.formats.hidden import Hidden
from services.formats.subscriber_code import SubscriberCode
from services.formats.ui_number import UiNumber

LOST_CARD_LINK = "suspend/who"
OnVerified = Callable[[str, StepContext], Awaitable[StepResult]]
"""Runs after a right code with the id of the grant; may use transactions of its own."""

_ASK = N_(
    "🔐 <b>Verify your identity.</b> Type your <b>UI No.</b> (統一證號) and <b>subscriber code</b> "
    "(用戶代碼):\n"
    "<code>A900000000 aB3dE9hZ</code>\n"
    "The code is on your application form; capital letters matter. Your message is deleted "
    "right away."
)
_ASK_KNOWN = N_(
    "🔐 <b>Is this for {masked}?</b> Then type only the <b>subscriber code</b> (用戶代碼) on the "
    "application form; capital letters matter. For someone else, type their UI No. (統一證號) "
    "too. Your message is deleted right away."
)
_ASK_WHOM = N_(
    "🔐 <b>Who is this for?</b> Choose one, or type a <b>UI No.</b> (統一證號) and its "
    "<b>subscriber code</b> (用戶代碼). Capital and small letters matter. Your message is deleted "
    "right away."
)
_ASK_CODE = N_(
    "🔑 <b>Now type the subscriber code</b> (用戶代碼) for {masked}: 6 to 10 letters and digits, "
    "on the application form. Capital and small letters matter. Your message is deleted right "
    "away.\n"
    "\n"
    "Wrong number? Type UI No. and code again."
)
_ASK_AGAIN = N_("🔑 Type UI No. (統一證號) and <b>subscriber code</b> (用戶代碼).")
_ASK_CODE_AGAIN = N_(
    "🔑 Type the <b>subscriber code</b> (用戶代碼) for {masked}, or UI No. and code."
)
_NEEDS_NUMBER = N_(
    "This looks like a subscriber code. Please type the UI No. and the code, in one or two "
    "messages. This did not use up an attempt."
)


FORGOTTEN_BUTTON = ButtonTransition("forgotten", N_("🔑 I forgot the code"), "retrieve/form")
"""Leads to what can be done: before activation the code is shown, afterwards it is gone."""


@dataclass(frozen=True)
class CodeVerification:
    """The steps that verify a person for one operation.

    :ivar target: where a right code leads; `on_verified` may lead to `also_targets`.
    :ivar introduction: shown above the question, such as what the operation does.
    :ivar buttons: other transitions from the first step.
    :ivar locked_step: what can be done about a locked code.
    :ivar verify_step: where a chat leads that has to verify the person before it tries the code.
    """

    authority: Authority
    operation: AuthorityOperation
    target: str
    on_verified: OnVerified | None = None
    also_targets: tuple[str, ...] = ()
    introduction: str | None = None
    buttons: tuple[ButtonTransition, ...] = ()
    locked_step: Step | None = None
    verify_step: str = VERIFY

    @property
    def steps(self) -> Mapping[str, Step]:
        """The steps, by the names they must have in their conversation."""
        targets = ("who", "code", "paused", "locked", self.verify_step, *self.also_targets)
        secret = SecretInput(self._read, self._submit, self.target, targets)
        linked = tuple(self._linked_person(index) for index in range(MAX_LINKED_PEOPLE))
        return {
            "who": Step(
                self._question,
                (*linked, *self.buttons),
                secret_input=secret,
                on_enter=look_up_linked_people(self.authority),
                picture="form",
                reminder=self._reminder,
            ),
            "code": Step(
                _ask_code,
                self.buttons,
                secret_input=secret,
                requires=(NUMBER,),
                next_steps=self._next_steps,
                picture="form",
                reminder=_ask_code_again,
            ),
            "paused": PAUSED,
            "locked": self.locked_step or LOCKED,
        }

    def _next_steps(self, ctx: StepContext) -> tuple[str, ...]:
        """Return the way to suspend, for whoever typed a wrong code with a lost card."""
        is_elsewhere = self.operation is not AuthorityOperation.SUSPEND
        return (LOST_CARD_LINK,) if is_elsewhere and WRONG_CODE in ctx.data else ()

    def _linked_person(self, index: int) -> ButtonTransition:
        key = LINKED_NUMBERS[index]
        return ButtonTransition(
            key,
            f"👤 {{{key}}}",
            "code",
            choose_linked_person(self.authority, LINKED_PEOPLE[index]),
            when=lambda ctx: NUMBER not in ctx.data and key in ctx.data,
        )

    def _question(self, ctx: StepContext) -> Markup:
        return question_text(self.authority, self.introduction, _ask_identity(ctx), ctx)

    def _reminder(self, ctx: StepContext) -> Markup:
        question = _ask_code_again(ctx) if NUMBER in ctx.data else say(ctx.language, _ASK_AGAIN)
        return question_text(self.authority, None, question, ctx)

    def _read(self, text: str, ctx: StepContext) -> IdentityInput | None:
        typed = parse_number_and_code(text)
        if typed and typed.number is None and NUMBER not in ctx.data:
            raise InputRejectedError(_NEEDS_NUMBER)
        return typed

    async def _submit(self, typed: IdentityInput, ctx: StepContext) -> StepResult:
        try:
            number = typed.number or unseal_ui_number(self.authority.sealed_input, ctx)
        except GrantExpiredError as error:
            return ErrorSteps().result_for(error, ctx)
        data = seal_ui_number(self.authority.sealed_input, number, ctx)
        if typed.code is None:
            return StepResult("code", data)
        try:
            return await self._verify(number, typed.code, ctx)
        except AuthorityError as error:
            result = ErrorSteps(verify=self.verify_step).result_for(error, ctx, retry="code")
            if isinstance(error, WrongCodeError):
                data[WRONG_CODE] = "yes"
            goes_on = result.target in ("code", "locked", self.verify_step)
            return replace(result, set_data=data) if goes_on else result

    async def _verify(self, number: UiNumber, code: SubscriberCode, ctx: StepContext) -> StepResult:
        check = self.authority.credentials.check_code
        grant = await check(number, code, self.operation, ctx.chat_id, ctx.now, ctx.attempt)
        is_linked = number.mask() in [ctx.data.get(key) for key in LINKED_NUMBERS]
        data = {GRANT: grant.id, **({} if is_linked else {UNLINKED: "yes"})}
        result = StepResult(self.target)
        if self.on_verified is not None:
            result = await self.on_verified(grant.id, replace(ctx, data={**ctx.data, **data}))
        kept = {key: value for key, value in data.items() if key not in result.clear_data}
        return replace(
            result,
            set_data={**kept, **result.set_data},
            clear_data=(*IDENTITY_KEYS, *result.clear_data),
            clears_history=True,
        )


def question_text(
    authority: Authority, introduction: str | None, question: Markup, ctx: StepContext
) -> Markup:
    """Return a question for something secret, with whose records it is about below it."""
    above = [] if introduction is None else [render_text(introduction, ctx)]
    return Markup("\n\n".join([*above, question, records_notice(authority, ctx.language)]))


PAUSED = Step(
    N_(
        "🛟 <b>While you wait</b>: look for the subscriber code on your application form. Lost "
        "the card? You can suspend it now, with a one-time code by e-mail."
    ),
    links=("suspend/by_mail", "retrieve", "suspend/fax"),
)
LOCKED = Step(
    N_(
        "🛟 <b>You can still</b> use an activated card with its PIN, and suspend it with a "
        "one-time code by e-mail. For everything else, have the code released at the counter "
        "first."
    ),
    links=("suspend/by_mail",),
)


def look_up_linked_people(authority: Authority) -> OnEnter:
    """Return the hook that looks up whom the chat is linked to; one person alone is chosen."""

    async def look_up(session: AsyncSession, ctx: StepContext) -> Mapping[str, str]:
        people = list(await authority.links.list_people(session, ctx.chat_id))[:MAX_LINKED_PEOPLE]
        data = {LINKED_NUMBERS[i]: person.ui_number_masked for i, person in enumerate(people)}
        data |= {LINKED_PEOPLE[i]: person.subscriber for i, person in enumerate(people)}
        if len(people) == 1:
            subscriber = people[0].subscriber
            number = await authority.links.find_ui_number(session, subscriber, ctx.chat_id)
            data |= seal_ui_number(authority.sealed_input, number, ctx)
        return data

    return look_up


def choose_linked_person(authority: Authority, key: str) -> Effect:
    """Return the effect that takes the UI No. of a person the chat is linked to.

    :param key: where the id of the person is kept.
    """

    async def choose(session: AsyncSession, ctx: StepContext) -> Mapping[str, str] | StepResult:
        try:
            number = await authority.links.find_ui_number(session, ctx.data[key], ctx.chat_id)
        except UnknownPersonError:  # unlinked a moment ago
            return StepResult("who", clear_data=IDENTITY_KEYS)
        return seal_ui_number(authority.sealed_input, number, ctx)

    return choose


def seal_ui_number(sealed_input: SealedInput, number: UiNumber, ctx: StepContext) -> dict[str, str]:
    """Return a UI No. as a step keeps it: sealed, and masked."""
    return {NUMBER: sealed_input.seal(number, ctx.chat_id), MASKED: number.mask()}


def unseal_ui_number(sealed_input: SealedInput, ctx: StepContext) -> UiNumber:
    """Return the UI No. that the step keeps.

    :raises GrantExpiredError: where it can no longer be opened.
    """
    hidden: Hidden = sealed_input.unseal(ctx.data[NUMBER], ctx.chat_id)
    return UiNumber(hidden.reveal())


def _ask_identity(ctx: StepContext) -> Markup:
    if NUMBER in ctx.data:
        return say(ctx.language, _ASK_KNOWN, masked=ctx.data[MASKED])
    return say(ctx.language, _ASK_WHOM if LINKED_NUMBERS[0] in ctx.data else _ASK)


def _ask_code_again(ctx: StepContext) -> Markup:
    return say(ctx.language, _ASK_CODE_AGAIN, masked=ctx.data.get(MASKED, ""))


def _ask_code(ctx: StepContext) -> Markup:
    return say(ctx.language, _ASK_CODE, masked=ctx.data.get(MASKED, ""))
