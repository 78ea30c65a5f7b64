"""What several commands of the counter are given."""

from typing import Annotated

import typer

LONGEST_CHARGE_ID = 256
_LARGEST_AMOUNT = 10_000_000


def _checked_charge_id(given: str) -> str:
    fits = 1 <= len(given) <= LONGEST_CHARGE_ID and given == given.strip()
    if not fits or not given.isprintable():
        raise typer.BadParameter(f"it is 1 to {LONGEST_CHARGE_ID} printable characters")
    return given


def _checked_passphrase(given: str) -> str:
    if not given:
        raise typer.BadParameter("it must not be empty")
    return given


ChargeId = Annotated[
    str,
    typer.Argument(
        metavar="CHARGE", help="The charge id, from the provider's records.",
        callback=_checked_charge_id,
    ),
]  # fmt: skip
Amount = Annotated[int, typer.Option(min=1, max=_LARGEST_AMOUNT, help="In cents: NT$278 is 27800.")]
Passphrase = Annotated[
    str,
    typer.Option(
        envvar="KAIKA_CARD_PASSPHRASE", prompt=True, hide_input=True, confirmation_prompt=True,
        help="Protects the keys in the card's file.", callback=_checked_passphrase,
    ),
]  # fmt: skip
