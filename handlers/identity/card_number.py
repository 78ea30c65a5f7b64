"""Typing the IC card number (IC卡卡號), which adds a proof to a grant."""

from collections.abc import Awaitable, Callable

from handlers.engine.model import SecretInput, StepContext, StepResult
from handlers.identity.code import GRANT, IDENTITY_KEYS
from handlers.identity.error_messages import is_short_pause, message_for
from handlers.identity.input_parser import parse_card_number
from services.authority.errors import ChatPausedError, GrantExpiredError, WrongCardNumberError
from services.authority.interface.credentials import Credentials
from services.formats.card_number import CardNumber


def card_number_input(credentials: Credentials, step: str, target: str) -> SecretInput[CardNumber]:
    """Give what is typed at the step `here`.

    :param to: where the right number leads.
    """
    return SecretInput(_read, _prove(credentials, step, target), target, ("who", "paused"))


def _read(text: str, _scene: StepContext) -> CardNumber | None:
    return parse_card_number(text)


def _prove(
    credentials: Credentials, here: str, to: str
) -> Callable[[CardNumber, StepContext], Awaitable[StepResult]]:
    async def prove(number: CardNumber, ctx: StepContext) -> StepResult:
        grant = ctx.data[GRANT]
        try:
            await credentials.check_card_number(grant, number, ctx.chat_id, ctx.now, ctx.attempt)
        except WrongCardNumberError as error:
            if error.tries_left:
                return StepResult(here, message=message_for(error))
            return StepResult(
                "who",
                message=message_for(error),
                clear_data=(GRANT, *IDENTITY_KEYS),
                clears_history=True,
            )
        except ChatPausedError as error:
            if is_short_pause(error, ctx.now):
                return StepResult(here, message=message_for(error, ctx.now))
            return StepResult(
                "paused", message=message_for(error), clear_data=(GRANT,), clears_history=True
            )
        except GrantExpiredError as error:
            return StepResult(
                "who",
                message=message_for(error),
                clear_data=(GRANT, *IDENTITY_KEYS),
                clears_history=True,
            )
        return StepResult(to, clears_history=True)

    return prove
