"""Who are you: UI No. and subscriber code, the one way to ask for them.

Two steps, ``who`` and ``code``, and the ends ``paused`` and ``locked``. Both may be typed in one
message. What was typed is deleted at once; the UI No. stays sealed between the steps, and after a
right code a grant is all that is kept.
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
from handlers.identity.error_messages import is_short_pause, message_for
from handlers.identity.input_parser import IdentityInput, parse_number_and_code
from handlers.identity.records_notice import records_notice
from handlers.screen.text import N_, Markup, say
from services.authority.errors import (
    ChatPausedError,
    CheckQueueFullError,
    CodeLockedError,
    GrantExpiredError,
    UnknownPersonError,
    WrongCodeError,
)
from services.authority.interface.authority import Authority
from services.authority.interface.credentials import SealedInput
from services.authority.values import AuthorityOperation
from services.formats.hidden import Hidden
from services.formats.subscriber_code import SubscriberCode
from services.formats.ui_number import UiNumber

GRANT, NUMBER, MASKED, UNLINKED = "grant", "number", "masked", "unlinked"
"""What is kept on the way: the grant; before it the UI No., sealed, and masked; ``unlinked`` where
the code was right and the chat is not linked to the person."""
_MOST_KNOWN = 3
_KNOWN = tuple(f"known{number}" for number in range(_MOST_KNOWN))
_PEOPLE = tuple(f"person{number}" for number in range(_MOST_KNOWN))
IDENTITY_KEYS = (NUMBER, MASKED, *_KNOWN, *_PEOPLE)
"""What is kept no more once there is a grant."""

OnVerified = Callable[[str, StepContext], Awaitable[StepResult]]
"""What follows a right code; is given the grant, and may use transactions of its own."""

_ASK = N_(
    "🔐 <b>Who are you?</b> Type your <b>UI No.</b> (統一證號) and your <b>subscriber code</b> "
    "(用戶代碼), in one message or one after the other, for example:\n"
    "<code>A900000000 aB3dE9xZ</code>\n\n"
    "The code is on your application form; capitals matter. I delete your message at once."
)
_ASK_KNOWN = N_(
    "🔐 <b>Is it about {masked}?</b> Then type only the <b>subscriber code</b> (用戶代碼). For "
    "somebody else type their UI No. (統一證號) and code.\n\n"
    "The code is on the application form; capitals matter. I delete your message at once."
)
_ASK_WHOM = N_(
    "🔐 <b>Who is it about?</b> Choose one, or type a <b>UI No.</b> (統一證號) and its "
    "<b>subscriber code</b> (用戶代碼). Capitals matter. I delete your message at once."
)
_ASK_CODE = N_(
    "🔑 <b>Now the subscriber code</b> (用戶代碼) for {masked}: 6 to 10 letters and digits, on the "
    "application form. Capitals matter. I delete your message at once.\n\n"
    "Wrong number? Type UI No. and code again."
)
_NEEDS_NUMBER = N_(
    "That can be a code, but whose? Please type UI No. and code, in one message or one after the "
    "other; nothing was counted."
)


@dataclass(frozen=True)
class CodeVerification:
    """Asks who somebody is, for one operation.

    :ivar to: where a right code leads; `then` may lead to `others`.
    :ivar lead: what is said above the question, such as what the operation does.
    :ivar choices: other ways on from the first step.
    :ivar locked: what is done about a locked code; an end where nothing is.
    """

    authority: Authority
    operation: AuthorityOperation
    target: str
    on_verified: OnVerified | None = None
    also_targets: tuple[str, ...] = ()
    introduction: str | None = None
    buttons: tuple[ButtonTransition, ...] = ()
    locked_step: Step | None = None

    @property
    def steps(self) -> Mapping[str, Step]:
        """The steps, by the names they must have in their conversation."""
        others = ("code", "paused", "locked", *self.also_targets)
        secret = SecretInput(self._read, self._act, self.target, ("who", *others))
        known = tuple(self._known(number) for number in range(_MOST_KNOWN))
        return {
            "who": Step(
                self._ask,
                (*known, *self.buttons),
                secret_input=secret,
                on_enter=look_up_linked_people(self.authority),
            ),
            "code": Step(_ask_code, secret_input=secret, requires=(NUMBER,)),
            "paused": PAUSED,
            "locked": self.locked_step or LOCKED,
        }

    def _known(self, number: int) -> ButtonTransition:
        choose = choose_linked_person(self.authority, _PEOPLE[number])
        return ButtonTransition(
            f"known{number}",
            f"👤 {{known{number}}}",
            "code",
            choose,
            when=lambda ctx: NUMBER not in ctx.data and _KNOWN[number] in ctx.data,
        )

    def _ask(self, ctx: StepContext) -> Markup:
        lead = [] if self.introduction is None else [render_text(self.introduction, ctx)]
        return Markup(
            "\n\n".join([*lead, _question(ctx), records_notice(self.authority, ctx.language)])
        )

    def _read(self, text: str, ctx: StepContext) -> IdentityInput | None:
        claim = parse_number_and_code(text)
        if claim and claim.number is None and NUMBER not in ctx.data:
            raise InputRejectedError(_NEEDS_NUMBER)
        return claim

    async def _act(self, claim: IdentityInput, ctx: StepContext) -> StepResult:
        try:
            number = claim.number or unseal_ui_number(self.authority.sealed_input, ctx)
        except GrantExpiredError as error:
            return StepResult("who", message=message_for(error), clear_data=IDENTITY_KEYS)
        kept = seal_ui_number(self.authority.sealed_input, number, ctx)
        if claim.code is None:
            return StepResult("code", kept)
        return await self._check(number, claim.code, replace(ctx, data={**ctx.data, **kept}))

    async def _check(self, number: UiNumber, code: SubscriberCode, ctx: StepContext) -> StepResult:
        kept = {key: ctx.data[key] for key in (NUMBER, MASKED)}
        check = self.authority.credentials.check_code
        try:
            grant = await check(number, code, self.operation, ctx.chat_id, ctx.now, ctx.attempt)
        except WrongCodeError as error:
            to = "code" if error.paused_until is None else "paused"
            return StepResult(to, kept, message_for(error), clears_history=to == "paused")
        except ChatPausedError as error:
            if is_short_pause(error, ctx.now):
                return StepResult("code", kept, message_for(error, ctx.now))
            return StepResult(
                "paused", message=message_for(error), clear_data=IDENTITY_KEYS, clears_history=True
            )
        except CodeLockedError as error:
            return StepResult("locked", kept, message_for(error), clears_history=True)
        except CheckQueueFullError as error:
            return StepResult("code", kept, message_for(error))
        is_linked = number.masked() in [ctx.data.get(key) for key in _KNOWN]
        kept = {GRANT: grant.id, **({} if is_linked else {UNLINKED: "yes"})}
        led = StepResult(self.target)
        if self.on_verified is not None:
            led = await self.on_verified(grant.id, replace(ctx, data={**ctx.data, **kept}))
        kept = {key: value for key, value in kept.items() if key not in led.clear_data}
        return replace(
            led,
            set_data={**kept, **led.set_data},
            clear_data=(*IDENTITY_KEYS, *led.clear_data),
            clears_history=True,
        )


PAUSED = Step(
    N_(
        "🛟 <b>In the meantime</b>: look at the application form, which has the code. Is the card "
        "lost and it cannot wait? The emergency form goes by fax."
    ),
    links=("retrieve", "suspend/fax"),
)
LOCKED = Step(
    N_(
        "🛟 <b>What still works</b>: a card in use with its PIN, and suspending with a one-time "
        "code by e-mail. For all else have the code released at the counter first."
    ),
    links=("suspend/locked_out",),
)


def look_up_linked_people(authority: Authority) -> OnEnter:
    """Give what looks up whom a chat is linked to; one alone is taken for who is meant."""

    async def look(session: AsyncSession, ctx: StepContext) -> Mapping[str, str]:
        people = list(await authority.links.list_people(session, ctx.chat_id))[:_MOST_KNOWN]
        kept = {_KNOWN[i]: person.ui_number_masked for i, person in enumerate(people)}
        kept |= {_PEOPLE[i]: person.subscriber for i, person in enumerate(people)}
        if len(people) == 1:
            number = await authority.links.find_ui_number(
                session, people[0].subscriber, ctx.chat_id
            )
            kept |= seal_ui_number(authority.sealed_input, number, ctx)
        return kept

    return look


def choose_linked_person(authority: Authority, person: str) -> Effect:
    """Give what takes the UI No. of a person the chat is linked to."""

    async def choose(session: AsyncSession, ctx: StepContext) -> Mapping[str, str] | StepResult:
        try:
            number = await authority.links.find_ui_number(session, ctx.data[person], ctx.chat_id)
        except UnknownPersonError:  # unlinked a moment ago
            return StepResult("who", clear_data=IDENTITY_KEYS)
        return seal_ui_number(authority.sealed_input, number, ctx)

    return choose


def seal_ui_number(sealed_input: SealedInput, number: UiNumber, ctx: StepContext) -> dict[str, str]:
    """Give a UI No. as it is kept: sealed, and masked."""
    return {NUMBER: sealed_input.seal(number, ctx.chat_id), MASKED: number.masked()}


def unseal_ui_number(sealed_input: SealedInput, ctx: StepContext) -> UiNumber:
    """Open the UI No. that was kept.

    :raises GrantExpiredError: where it cannot be opened any more.
    """
    hidden: Hidden = sealed_input.unseal(ctx.data[NUMBER], ctx.chat_id)
    return UiNumber(hidden.reveal())


def _question(ctx: StepContext) -> Markup:
    if NUMBER in ctx.data:
        return say(ctx.language, _ASK_KNOWN, masked=ctx.data[MASKED])
    return say(ctx.language, _ASK_WHOM if _KNOWN[0] in ctx.data else _ASK)


def _ask_code(ctx: StepContext) -> Markup:
    return say(ctx.language, _ASK_CODE, masked=ctx.data.get(MASKED, ""))
