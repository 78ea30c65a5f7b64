"""Typing the IC card number (IC卡卡號), which adds a proof to a grant."""

from collections.abc import Awaitable, Callable

from handlers.engine.model import Outcome, Scene, Secret
from handlers.identity.code import FORGET, GRANT
from handlers.identity.error_messages import is_short, told
from handlers.identity.input_parser import read_card_number
from services.authority.errors import ChatPausedError, GrantExpiredError, WrongCardNumberError
from services.authority.interface.credentials import Credentials
from services.formats.card_number import CardNumber


def card_number(credentials: Credentials, here: str, to: str) -> Secret[CardNumber]:
    """Give what is typed at the step `here`.

    :param to: where the right number leads.
    """
    return Secret(_read, _prove(credentials, here, to), to, ("who", "paused"))


def _read(text: str, _scene: Scene) -> CardNumber | None:
    return read_card_number(text)


def _prove(
    credentials: Credentials, here: str, to: str
) -> Callable[[CardNumber, Scene], Awaitable[Outcome]]:
    async def prove(number: CardNumber, scene: Scene) -> Outcome:
        grant = scene.data[GRANT]
        try:
            await credentials.check_card_number(
                grant, number, scene.chat_id, scene.now, scene.attempt
            )
        except WrongCardNumberError as error:
            if error.tries_left:
                return Outcome(here, told=told(error))
            return Outcome("who", told=told(error), forget=(GRANT, *FORGET), is_one_way=True)
        except ChatPausedError as error:
            if is_short(error, scene.now):
                return Outcome(here, told=told(error, scene.now))
            return Outcome("paused", told=told(error), forget=(GRANT,), is_one_way=True)
        except GrantExpiredError as error:
            return Outcome("who", told=told(error), forget=(GRANT, *FORGET), is_one_way=True)
        return Outcome(to, is_one_way=True)

    return prove
