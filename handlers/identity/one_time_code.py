"""The one-time code by e-mail: having it sent, and typing it.

One step, ``mailed``. Under a grant it adds a proof; without one, UI No. and birth date stand for
it, and who does not exist looks the same.
"""

from dataclasses import dataclass, replace
from datetime import date

from sqlalchemy.ext.asyncio import AsyncSession

from handlers.engine.model import Aside, Choice, NotTakenError, Outcome, Scene, Secret, Step, Told
from handlers.identity.code import FORGET, GRANT, NUMBER, keep, opened
from handlers.identity.error_messages import is_short, told
from handlers.identity.input_parser import read_number_and_birth_date, read_one_time_code
from handlers.screen.text import N_, Markup, say
from services.authority.errors import (
    AuthorityError,
    ChatPausedError,
    GrantExpiredError,
    OneTimeCodeOverError,
    TooManyMailsError,
    WrongOneTimeCodeError,
)
from services.authority.interface.authority import Authority
from services.authority.values import Challenge, Operation
from services.calendar import today
from services.formats.hidden import Hidden
from services.formats.one_time_code import OneTimeCode
from services.formats.ui_number import UiNumber

CHALLENGE, BORN = "challenge", "born"
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
AGAIN = N_("🔁 Send it again")
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
class OneTimeMail:
    """The step in which the one-time code is typed.

    :ivar start: the step to begin at again when too much time has passed.
    :ivar here: the name of the step itself.
    :ivar operation: what it is for where there is no grant yet.
    """

    authority: Authority
    operation: Operation
    to: str
    start: str = "who"
    here: str = "mailed"

    @property
    def others(self) -> tuple[str, ...]:
        """Where having a code sent may lead besides `here`."""
        return (self.start, "paused")

    @property
    def step(self) -> Step:
        """The step."""
        secret = Secret(_read, self._answer, self.to, self.others)
        again = Choice("again", AGAIN, self.here, self._sent, others=self.others)
        no_mail = Aside("no_mail", N_("🆘 No mail came"), _NO_MAIL)
        return Step(_ask, (again,), (no_mail,), secret=secret, needs=(CHALLENGE,))

    @property
    def ask(self) -> Choice:
        """The button that has the first one sent, under the grant."""
        return Choice(
            "mail", N_("✉️ Send a one-time code"), self.here, self._sent, others=self.others
        )

    async def send_to(
        self, session: AsyncSession, number: UiNumber, born: date, scene: Scene
    ) -> Outcome:
        """Have a code sent to who has this number and birth date, and keep both, sealed."""
        kept = keep(self.authority.sealed_input, number, scene)
        kept[BORN] = self.authority.sealed_input.seal(Hidden(born.isoformat()), scene.chat_id)
        led = await self._sent(session, replace(scene, data={**scene.data, **kept}))
        return replace(led, kept={**kept, **led.kept}) if led.to != "paused" else led

    async def _sent(self, session: AsyncSession, scene: Scene) -> Outcome:
        stays = self.here if CHALLENGE in scene.data else None
        try:
            async with session.begin_nested():  # what a refusal did is undone, the move is not
                challenge = await self._challenge(session, scene)
        except TooManyMailsError as error:
            return Outcome(stays or "paused", told=told(error))
        except ChatPausedError as error:
            if stays and is_short(error, scene.now):
                return Outcome(stays, told=told(error, scene.now))
            return Outcome("paused", told=told(error), is_one_way=True)
        except GrantExpiredError as error:
            return Outcome(self.start, told=told(error), forget=_ALL)
        again = Told(_SENT_AGAIN) if stays else None
        return Outcome(self.here, {CHALLENGE: challenge.id}, told=again)

    async def _challenge(self, session: AsyncSession, scene: Scene) -> Challenge:
        if GRANT in scene.data:
            grant = scene.data[GRANT]
            return await self.authority.credentials.send_one_time_code(
                session, grant, scene.chat_id, scene.now
            )
        if BORN not in scene.data:
            raise GrantExpiredError
        number = opened(self.authority.sealed_input, scene)
        born = date.fromisoformat(
            self.authority.sealed_input.unseal(scene.data[BORN], scene.chat_id).reveal()
        )
        return await self.authority.credentials.request_one_time_code(
            session, number, born, self.operation, scene.chat_id, scene.now
        )

    async def _answer(self, code: OneTimeCode, scene: Scene) -> Outcome:
        answer = self.authority.credentials.check_one_time_code
        challenge = scene.data[CHALLENGE]
        try:
            grant = await answer(challenge, code, scene.chat_id, scene.now, scene.attempt)
        except (WrongOneTimeCodeError, OneTimeCodeOverError) as error:
            return Outcome(self.here, told=told(error))
        except ChatPausedError as error:
            if is_short(error, scene.now):
                return Outcome(self.here, told=told(error, scene.now))
            return Outcome("paused", told=told(error), forget=_ALL, is_one_way=True)
        except AuthorityError as error:
            return Outcome(self.start, told=told(error), forget=_ALL)
        return Outcome(
            self.to, {GRANT: grant.id}, forget=(*FORGET, CHALLENGE, BORN), is_one_way=True
        )


def _read(text: str, scene: Scene) -> OneTimeCode | None:
    code = read_one_time_code(text)
    if code is None and BORN in scene.data and read_number_and_birth_date(text, today(scene.now)):
        raise NotTakenError(_PRESS_BACK)
    return code


def _ask(scene: Scene) -> Markup:
    return say(scene.language, _ASK if GRANT in scene.data else _ASK_IF_KNOWN)


_ALL = (*FORGET, GRANT, NUMBER, CHALLENGE, BORN)
