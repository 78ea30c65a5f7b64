"""Who are you: UI No. and subscriber code, the one way to ask for them.

Two steps, ``who`` and ``code``, and the ends ``paused`` and ``locked``. Both may be typed in one
message. What was typed is deleted at once; the UI No. stays sealed between the steps, and after a
right code a grant is all that is kept.
"""

from collections.abc import Awaitable, Callable, Mapping
from dataclasses import dataclass, replace

from sqlalchemy.ext.asyncio import AsyncSession

from handlers.engine.model import (
    Arrival,
    Choice,
    Effect,
    NotTakenError,
    Outcome,
    Scene,
    Secret,
    Step,
)
from handlers.engine.rendering import words_of
from handlers.identity.error_messages import is_short, told
from handlers.identity.input_parser import Claim, read_number_and_code
from handlers.identity.records_notice import whose
from handlers.screen.text import N_, Markup, say
from services.authority.errors import (
    BusyError,
    ChatPausedError,
    CodeLockedError,
    GrantExpiredError,
    UnknownPersonError,
    WrongCodeError,
)
from services.authority.interface.authority import Authority
from services.authority.interface.credentials import SealedInput
from services.authority.values import Operation
from services.formats.hidden import Hidden
from services.formats.subscriber_code import SubscriberCode
from services.formats.ui_number import UiNumber

GRANT, NUMBER, MASKED, UNLINKED = "grant", "number", "masked", "unlinked"
"""What is kept on the way: the grant; before it the UI No., sealed, and masked; ``unlinked`` where
the code was right and the chat is not linked to the person."""
_MOST_KNOWN = 3
_KNOWN = tuple(f"known{number}" for number in range(_MOST_KNOWN))
_PEOPLE = tuple(f"person{number}" for number in range(_MOST_KNOWN))
FORGET = (NUMBER, MASKED, *_KNOWN, *_PEOPLE)
"""What is kept no more once there is a grant."""

Then = Callable[[str, Scene], Awaitable[Outcome]]
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
class Identification:
    """Asks who somebody is, for one operation.

    :ivar to: where a right code leads; `then` may lead to `others`.
    :ivar lead: what is said above the question, such as what the operation does.
    :ivar choices: other ways on from the first step.
    :ivar locked: what is done about a locked code; an end where nothing is.
    """

    authority: Authority
    operation: Operation
    to: str
    then: Then | None = None
    others: tuple[str, ...] = ()
    lead: str | None = None
    choices: tuple[Choice, ...] = ()
    locked: Step | None = None

    @property
    def steps(self) -> Mapping[str, Step]:
        """The steps, by the names they must have in their conversation."""
        others = ("code", "paused", "locked", *self.others)
        secret = Secret(self._read, self._act, self.to, ("who", *others))
        known = tuple(self._known(number) for number in range(_MOST_KNOWN))
        return {
            "who": Step(
                self._ask, (*known, *self.choices), secret=secret, arrive=arrive(self.authority)
            ),
            "code": Step(_ask_code, secret=secret, needs=(NUMBER,)),
            "paused": PAUSED,
            "locked": self.locked or LOCKED,
        }

    def _known(self, number: int) -> Choice:
        choose = chosen(self.authority, _PEOPLE[number])
        return Choice(
            f"known{number}",
            f"👤 {{known{number}}}",
            "code",
            choose,
            when=lambda scene: NUMBER not in scene.data and _KNOWN[number] in scene.data,
        )

    def _ask(self, scene: Scene) -> Markup:
        lead = [] if self.lead is None else [words_of(self.lead, scene)]
        return Markup("\n\n".join([*lead, _question(scene), whose(self.authority, scene.language)]))

    def _read(self, text: str, scene: Scene) -> Claim | None:
        claim = read_number_and_code(text)
        if claim and claim.number is None and NUMBER not in scene.data:
            raise NotTakenError(_NEEDS_NUMBER)
        return claim

    async def _act(self, claim: Claim, scene: Scene) -> Outcome:
        try:
            number = claim.number or opened(self.authority.sealed_input, scene)
        except GrantExpiredError as error:
            return Outcome("who", told=told(error), forget=FORGET)
        kept = keep(self.authority.sealed_input, number, scene)
        if claim.code is None:
            return Outcome("code", kept)
        return await self._check(number, claim.code, replace(scene, data={**scene.data, **kept}))

    async def _check(self, number: UiNumber, code: SubscriberCode, scene: Scene) -> Outcome:
        kept = {key: scene.data[key] for key in (NUMBER, MASKED)}
        check = self.authority.credentials.check_code
        try:
            grant = await check(
                number, code, self.operation, scene.chat_id, scene.now, scene.attempt
            )
        except WrongCodeError as error:
            to = "code" if error.paused_until is None else "paused"
            return Outcome(to, kept, told(error), is_one_way=to == "paused")
        except ChatPausedError as error:
            if is_short(error, scene.now):
                return Outcome("code", kept, told(error, scene.now))
            return Outcome("paused", told=told(error), forget=FORGET, is_one_way=True)
        except CodeLockedError as error:
            return Outcome("locked", kept, told(error), is_one_way=True)
        except BusyError as error:
            return Outcome("code", kept, told(error))
        is_linked = number.masked() in [scene.data.get(key) for key in _KNOWN]
        kept = {GRANT: grant.id, **({} if is_linked else {UNLINKED: "yes"})}
        led = Outcome(self.to)
        if self.then is not None:
            led = await self.then(grant.id, replace(scene, data={**scene.data, **kept}))
        kept = {key: value for key, value in kept.items() if key not in led.forget}
        return replace(
            led, kept={**kept, **led.kept}, forget=(*FORGET, *led.forget), is_one_way=True
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


def arrive(authority: Authority) -> Arrival:
    """Give what looks up whom a chat is linked to; one alone is taken for who is meant."""

    async def look(session: AsyncSession, scene: Scene) -> Mapping[str, str]:
        people = list(await authority.links.list_people(session, scene.chat_id))[:_MOST_KNOWN]
        kept = {_KNOWN[i]: person.ui_number_masked for i, person in enumerate(people)}
        kept |= {_PEOPLE[i]: person.subscriber for i, person in enumerate(people)}
        if len(people) == 1:
            number = await authority.links.find_ui_number(
                session, people[0].subscriber, scene.chat_id
            )
            kept |= keep(authority.sealed_input, number, scene)
        return kept

    return look


def chosen(authority: Authority, person: str) -> Effect:
    """Give what takes the UI No. of a person the chat is linked to."""

    async def choose(session: AsyncSession, scene: Scene) -> Mapping[str, str] | Outcome:
        try:
            number = await authority.links.find_ui_number(
                session, scene.data[person], scene.chat_id
            )
        except UnknownPersonError:  # unlinked a moment ago
            return Outcome("who", forget=FORGET)
        return keep(authority.sealed_input, number, scene)

    return choose


def keep(sealed_input: SealedInput, number: UiNumber, scene: Scene) -> dict[str, str]:
    """Give a UI No. as it is kept: sealed, and masked."""
    return {NUMBER: sealed_input.seal(number, scene.chat_id), MASKED: number.masked()}


def opened(sealed_input: SealedInput, scene: Scene) -> UiNumber:
    """Open the UI No. that was kept.

    :raises GrantExpiredError: where it cannot be opened any more.
    """
    hidden: Hidden = sealed_input.unseal(scene.data[NUMBER], scene.chat_id)
    return UiNumber(hidden.reveal())


def _question(scene: Scene) -> Markup:
    if NUMBER in scene.data:
        return say(scene.language, _ASK_KNOWN, masked=scene.data[MASKED])
    return say(scene.language, _ASK_WHOM if _KNOWN[0] in scene.data else _ASK)


def _ask_code(scene: Scene) -> Markup:
    return say(scene.language, _ASK_CODE, masked=scene.data.get(MASKED, ""))
