"""Arguments that several commands of the counter share."""

from typing import Annotated

import typer

MAX_CHARGE_ID_LENGTH = 256
_MAX_AMOUNT = 10_000_000


def _check_charge_id(given: str) -> str:
    fits = 1 <= len(given) <= MAX_CHARGE_ID_LENGTH and given == given.strip()
    if not fits or not given.isprintable():
        raise typer.BadParameter(f"it is 1 to {MAX_CHARGE_ID_LENGTH} printable characters")
    return given


def _check_passphrase(given: str) -> str:
    if not given:
        raise typer.BadParameter("it must not be empty")
    return given


ChargeId = Annotated[
    str,
    typer.Argument(
        metavar="CHARGE", help="The charge id, from the provider's records.",
        callback=_check_charge_id,
    ),
]  # fmt: skip
Amount = Annotated[int, typer.Option(min=1, max=_MAX_AMOUNT, help="In cents: NT$278 is 27800.")]
Passphrase = Annotated[
    str,
    typer.Option(
        envvar="KAIKA_CARD_PASSPHRASE", prompt=True, hide_input=True, confirmation_prompt=True,
        help="Protects the keys in the card's file.", callback=_check_passphrase,
    ),
]  # fmt: skip
