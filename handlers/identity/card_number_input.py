"""The IC card number (IC卡卡號) as a secret input, which adds a proof to a grant."""

from handlers.engine.model import InfoButton, SecretInput, StepContext, StepResult
from handlers.identity.error_messages import ErrorSteps
from handlers.identity.input_parser import parse_card_number
from handlers.identity.step_data import GRANT
from handlers.screen.text import N_
from services.authority.errors import AuthorityError
from services.authority.interface.credentials import Credentials
from services.formats.card_number import CardNumber

WHERE_IS_IT = InfoButton(
    "where",
    N_("❓ Where is the number?"),
    N_(
        "🪪 <b>The IC card number (IC卡卡號)</b> is on the certificate card itself: "
        "{card_number_shape}. It is not on the ARC, and not on the application form.\n"
        "\n"
        "Can't find it? Put the card in a reader, the card software shows it too, or call "
        "{hotline}."
    ),
)


def card_number_input(credentials: Credentials, step: str, target: str) -> SecretInput[CardNumber]:
    """Return the input of the step named `step`.

    :param target: where the right number leads.
    """

    async def check(number: CardNumber, ctx: StepContext) -> StepResult:
        grant = ctx.data[GRANT]
        try:
            await credentials.check_card_number(grant, number, ctx.chat_id, ctx.now, ctx.attempt)
        except AuthorityError as error:
            return ErrorSteps().result_for(error, ctx, retry=step)
        return StepResult(target, clears_history=True)

    return SecretInput(_read, check, target, ("who", "paused"))


def _read(text: str, _ctx: StepContext) -> CardNumber | None:
    return parse_card_number(text)
