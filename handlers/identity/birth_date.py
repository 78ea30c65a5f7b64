"""Who are you, without the code: UI No. and birth date, then a one-time code by e-mail.

Two steps whose names the conversation chooses; they lead to the step of `OneTimeMail`.
"""

from collections.abc import Mapping
from dataclasses import dataclass

from sqlalchemy.ext.asyncio import AsyncSession

from handlers.engine.model import Choice, NotTakenError, Outcome, Scene, Secret, Step
from handlers.engine.rendering import words_of
from handlers.identity.code import FORGET, MASKED, NUMBER, arrive, keep, opened
from handlers.identity.error_messages import told
from handlers.identity.input_parser import Claim, read_number_and_birth_date
from handlers.identity.one_time_code import OneTimeMail
from handlers.identity.records_notice import whose
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
class ByBirthDate:
    """Asks for UI No. and birth date, and has a one-time code sent.

    :ivar number_step: the name of the step that asks for both.
    :ivar date_step: the name of the one that asks for the date.
    :ivar refused: where a state leads that does not allow it.
    """

    authority: Authority
    mail: OneTimeMail
    number_step: str
    date_step: str
    lead: str | None = None
    choices: tuple[Choice, ...] = ()
    refused: str | None = None
    title: str | None = None

    @property
    def steps(self) -> Mapping[str, Step]:
        """The steps."""
        refused = () if self.refused is None else (self.refused,)
        others = (self.number_step, self.date_step, *self.mail.others, *refused)
        secret = Secret(self._read, None, self.mail.here, others, self._enter)
        looked_up = arrive(self.authority)
        return {
            self.number_step: Step(
                self._ask, self.choices, secret=secret, arrive=looked_up, title=self.title
            ),
            self.date_step: Step(_ask_date, self.choices, secret=secret, needs=(NUMBER,)),
        }

    def _ask(self, scene: Scene) -> Markup:
        lead = [] if self.lead is None else [words_of(self.lead, scene)]
        ask = _ask_date(scene) if NUMBER in scene.data else say(scene.language, _ASK)
        return Markup("\n\n".join([*lead, ask, whose(self.authority, scene.language)]))

    def _read(self, text: str, scene: Scene) -> Claim | None:
        claim = read_number_and_birth_date(text, today(scene.now))
        if claim and claim.number is None and NUMBER not in scene.data:
            raise NotTakenError(_NEEDS_NUMBER)
        return claim

    async def _enter(self, session: AsyncSession, claim: Claim, scene: Scene) -> Outcome:
        sealed_input = self.authority.sealed_input
        try:
            number = claim.number or opened(sealed_input, scene)
        except GrantExpiredError as error:
            return Outcome(self.number_step, told=told(error), forget=FORGET)
        if claim.born is None:
            return Outcome(self.date_step, keep(sealed_input, number, scene))
        try:
            return await self.mail.send_to(session, number, claim.born, scene)
        except WrongStateError:
            assert self.refused is not None
            return Outcome(self.refused, forget=FORGET)


def _ask_date(scene: Scene) -> Markup:
    return say(scene.language, _ASK_DATE, masked=scene.data.get(MASKED, ""))
