"""Refusals of the authority: the message for each, and the step it leads to."""

from collections.abc import Mapping
from dataclasses import dataclass, field
from datetime import datetime, timedelta

from handlers.engine.model import StatusMessage, StepContext, StepResult
from handlers.identity.step_data import ALL_KEYS
from handlers.identity.unavailable_steps import EXPIRED, UNAVAILABLE_STEP_FOR
from handlers.screen.text import N_
from services.authority.errors import (
    AuthorityError,
    ChatPausedError,
    CheckQueueFullError,
    CodeLockedError,
    DeadlinePassedError,
    GrantExpiredError,
    GrantUsedError,
    OneTimeCodeExpiredError,
    TooManyChatsError,
    TooManyMailsError,
    VerificationRequiredError,
    WrongCardNumberError,
    WrongCodeError,
    WrongOneTimeCodeError,
    WrongStateError,
)
from services.calendar import TAIPEI

VERIFY = "verify"
"""The name of the step in which a chat verifies the person before it may try their code."""
_SHORT = timedelta(minutes=5)
"""A pause that leaves time before a grant or a one-time code is over."""
_WRONG_CODE = N_(
    "❌ <b>UI No. or code is incorrect.</b> Attempts left: {left}. Compare each character with "
    "the form: <b>capital and small letters matter</b>. 0, O, o, 1, l and I are never in a "
    "code. If the application was not paid in time, it was deleted with its code."
)
_WRONG_CODE_AND_PAUSED = N_(
    "❌ <b>UI No. or code is incorrect.</b> For your security this chat is blocked until "
    "{until} (Taipei). Attempts left for the code: {left}. If you can't wait, call "
    "{hotline}."
)
_WRONG_CODE_AND_VERIFY = N_(
    "❌ <b>UI No. or code is incorrect.</b> This chat has no attempts left until {until} "
    "(Taipei). <b>To continue now</b>, use the birth date and a one-time code by e-mail."
)
_PAUSED_AND_VERIFY = N_(
    "⏳ <b>This chat has no attempts left until {until} (Taipei)</b>, so the code was not checked. "
    "<b>To continue now</b>, use the birth date and a one-time code by e-mail."
)
_VERIFY_FIRST = N_(
    "🛡 <b>This code was typed wrong four times, so it is protected.</b> To continue here, use "
    "the birth date and a one-time code by e-mail."
)
_LOCKED = N_(
    "🔒 <b>This code is locked</b> after four wrong attempts. To have it released, go to the "
    "counter with your ARC."
)
_PAUSED = N_(
    "⏳ <b>Too many attempts.</b> Try again after {until} (Taipei). This protects you: no one "
    "can guess your code from a chat. If you can't wait, call {hotline}."
)
_SLOWER = N_(
    "⏳ <b>Too many attempts.</b> Please send it again after {until} (Taipei). This did not use "
    "up an attempt."
)
_TOO_MANY_MAILS = N_(
    "✉️ <b>The limit for one-time codes is reached.</b> You can get the next one at {until} "
    "(Taipei)."
)
_TYPE_THE_NEWEST = N_(
    "✉️ <b>The limit for one-time codes is reached</b>, but the code in the newest mail still "
    "works: type it here. You can get the next one at {until} (Taipei)."
)
_BUSY = N_(
    "⏳ <b>The system is busy.</b> Please send it again in a minute. This did not use up an "
    "attempt."
)
_EXPIRED = N_(
    "⌛ <b>More than ten minutes have passed.</b> For your security, please verify your "
    "identity again."
)
_USED = N_(
    "🔁 <b>Please verify your identity again.</b> Each verification works for one operation on "
    "the card."
)
_WRONG_CARD_NUMBER = N_(
    "❌ <b>The card number is incorrect.</b> Attempts left: {left}. It has "
    "{card_number_shape}, and is not the UI No."
)
_LAST_CARD_NUMBER = N_(
    "❌ <b>The card number is incorrect.</b> No attempts left, so please verify your identity "
    "again. The number is on the card: {card_number_shape}."
)
_WRONG_ONE_TIME_CODE = N_(
    "❌ <b>The one-time code is incorrect.</b> Attempts left: {left}. Only the code in the "
    "newest mail works."
)
_LAST_ONE_TIME_CODE = N_(
    "❌ <b>The one-time code is incorrect, and no attempts are left.</b> Please send a new one."
)
_ONE_TIME_CODE_OVER = N_(
    "⌛ <b>This one-time code has expired</b>: it's too old or was tried too often. Please send "
    "a new one."
)
_TOO_MANY_CHATS = N_(
    "🔗 <b>You already get alerts in {limit} chats</b>, which is the limit. This chat was not "
    "added; everything else is done. To make room, send /privacy in one of those chats and "
    "remove it."
)
_DEADLINE_PASSED = N_(
    "⌛ <b>The deadline was {until} (Taipei).</b> You can no longer pay for this application; "
    "nothing was charged. Apply again in person at a service station."
)
_OTHER = N_("⚠️ <b>This isn't possible now.</b> No changes were made.")


@dataclass(frozen=True)
class ErrorSteps:
    """Where the authority's refusals lead in one conversation.

    :ivar start: the step to go back to when a grant has expired or all attempts are spent.
    :ivar states: the step for each state that does not allow the operation.
    :ivar other_state: the step for any other state.
    :ivar overdue: the step for a deadline that has passed; `start` where it cannot happen.
    :ivar clear_data: what is cleared when the person has to start again.
    :ivar verify: the step that verifies a person before the chat may try their code.
    """

    start: str = "who"
    states: Mapping[str, str] = field(default_factory=lambda: UNAVAILABLE_STEP_FOR)
    other_state: str = EXPIRED
    overdue: str | None = None
    clear_data: tuple[str, ...] = ALL_KEYS
    verify: str = VERIFY

    def result_for(
        self, error: AuthorityError, ctx: StepContext, retry: str | None = None
    ) -> StepResult:
        """Return where a refusal leads, with its message.

        :param retry: the step at which the person may try again; none where nothing was typed.
        """
        match error:
            case WrongStateError():
                return self._end(self.states.get(error.state, self.other_state))
            case DeadlinePassedError() if self.overdue is not None:
                return self._end(self.overdue)
            case (
                VerificationRequiredError()
                | ChatPausedError(can_verify=True)
                | WrongCodeError(can_verify=True)
            ):
                return StepResult(self.verify, message=message_for(error))
            case CodeLockedError():
                return StepResult("locked", message=message_for(error), clears_history=True)
            case ChatPausedError() if retry is not None and is_short_pause(error, ctx.now):
                return StepResult(retry, message=message_for(error, ctx.now))
            case ChatPausedError() | WrongCodeError(paused_until=datetime()):
                return self._end("paused", error)
            case WrongCardNumberError(tries_left=0):
                return self._end(self.start, error)
            case (
                WrongCodeError()
                | WrongCardNumberError()
                | WrongOneTimeCodeError()
                | OneTimeCodeExpiredError()
                | CheckQueueFullError()
            ) if retry is not None:
                return StepResult(retry, message=message_for(error))
        return self._end(self.start, error)

    def _end(self, target: str, error: AuthorityError | None = None) -> StepResult:
        message = None if error is None else message_for(error)
        return StepResult(target, {}, message, self.clear_data, clears_history=True)


def message_for(error: AuthorityError, now: datetime | None = None) -> StatusMessage:
    """Return the message for a refusal.

    :param now: given where the person stays at their step during a short pause.
    """
    match error:
        case WrongCodeError(paused_until=None):
            return StatusMessage(_WRONG_CODE, {"left": str(error.tries_left)})
        case WrongCodeError(paused_until=datetime() as until, can_verify=True):
            return StatusMessage(_WRONG_CODE_AND_VERIFY, {"until": format_time(until)})
        case WrongCodeError(paused_until=datetime() as until):
            values = {"left": str(error.tries_left), "until": format_time(until)}
            return StatusMessage(_WRONG_CODE_AND_PAUSED, values)
        case ChatPausedError(can_verify=True):
            return StatusMessage(_PAUSED_AND_VERIFY, {"until": format_time(error.until)})
        case ChatPausedError() if now is not None and is_short_pause(error, now):
            return StatusMessage(_SLOWER, {"until": format_time(error.until)})
        case ChatPausedError():
            return StatusMessage(_PAUSED, {"until": format_time(error.until)})
        case TooManyMailsError():
            text = _TYPE_THE_NEWEST if error.challenge else _TOO_MANY_MAILS
            return StatusMessage(text, {"until": format_time(error.until)})
        case WrongCardNumberError(tries_left=0):
            return StatusMessage(_LAST_CARD_NUMBER)
        case WrongCardNumberError():
            return StatusMessage(_WRONG_CARD_NUMBER, {"left": str(error.tries_left)})
        case WrongOneTimeCodeError(tries_left=0):
            return StatusMessage(_LAST_ONE_TIME_CODE)
        case WrongOneTimeCodeError():
            return StatusMessage(_WRONG_ONE_TIME_CODE, {"left": str(error.tries_left)})
        case TooManyChatsError():
            return StatusMessage(_TOO_MANY_CHATS, {"limit": str(error.limit)})
        case DeadlinePassedError():
            return StatusMessage(_DEADLINE_PASSED, {"until": format_time(error.deadline)})
    return StatusMessage(_PLAIN.get(type(error), _OTHER))


_PLAIN: dict[type[AuthorityError], str] = {
    CodeLockedError: _LOCKED,
    VerificationRequiredError: _VERIFY_FIRST,
    CheckQueueFullError: _BUSY,
    GrantExpiredError: _EXPIRED,
    GrantUsedError: _USED,
    OneTimeCodeExpiredError: _ONE_TIME_CODE_OVER,
}


def is_short_pause(error: ChatPausedError, now: datetime) -> bool:
    """Return whether a pause is over so soon that the person waits at their step."""
    return error.until - now <= _SHORT


def format_time(time: datetime) -> str:
    """Return a time as it is read in Taipei."""
    return f"{time.astimezone(TAIPEI):%Y-%m-%d %H:%M}"
