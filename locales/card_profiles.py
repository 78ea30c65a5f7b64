"""What a person reads about each kind of card, on the PC and in the chat.

The catalogue is `bridge`. The keys are the values of `reader_bridge.protocol.enums.ProfileName`.
"""

from collections.abc import Mapping
from dataclasses import dataclass

from locales import N_


@dataclass(frozen=True, slots=True)
class CardProfileTexts:
    """The texts of one card profile.

    :ivar name: the kind of card, in a question about it.
    :ivar finding: what `kaika-bridge check` says of such a card.
    :ivar in_chat: what the chat says of it, as HTML.
    :ivar remedy: what to do, below the finding; empty where there is nothing to do.
    """

    name: str
    finding: str
    in_chat: str
    remedy: str = ""


CARD_PROFILE_TEXTS: Mapping[str, CardProfileTexts] = {
    "gids": CardProfileTexts(
        N_("certificate card (GIDS)"),
        N_("a card Kaika can work with"),
        N_("💳 Card: a GIDS certificate card"),
    ),
    "piv": CardProfileTexts(
        N_("PIV card"),
        N_("a PIV card; Kaika can change its PIN and unlock it with its PUK"),
        N_("💳 Card: a PIV card"),
    ),
    "moica": CardProfileTexts(
        N_("MOICA card"),
        N_("a citizen digital certificate of MOICA; Kaika reads it only"),
        N_("💳 Card: <b>a real MOICA card (自然人憑證)</b>"),
        N_(
            "For its PIN use the official page moica.nat.gov.tw: other software can lock such "
            "a card for good, so Kaika never sends it a PIN."
        ),
    ),
    "unknown": CardProfileTexts(
        N_("unknown card"),
        N_("a card Kaika does not know"),
        N_("💳 Card: of a kind I do not know"),
        N_("Put in the certificate card; an ARC or a health card will not do."),
    ),
}
