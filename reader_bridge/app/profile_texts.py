"""What a person reads about each kind of card."""

from dataclasses import dataclass

from reader_bridge.app.translation import N_
from reader_bridge.protocol import ProfileName


@dataclass(frozen=True, slots=True)
class ProfileText:
    """The texts of one card profile.

    :ivar name: the kind of card, in a question about it.
    :ivar finding: what `kaika-bridge check` says of such a card.
    :ivar remedy: what to do, below that finding; empty where there is nothing to do.
    """

    name: str
    finding: str
    remedy: str = ""


PROFILE_TEXTS: dict[ProfileName, ProfileText] = {
    ProfileName.GIDS: ProfileText(
        N_("certificate card (GIDS)"),
        N_("a card Kaika can work with"),
    ),
    ProfileName.PIV: ProfileText(
        N_("PIV card"),
        N_("a PIV card; Kaika can change its PIN and unlock it with its PUK"),
    ),
    ProfileName.MOICA: ProfileText(
        N_("MOICA card"),
        N_("a citizen digital certificate of MOICA; Kaika reads it only"),
        N_(
            "For its PIN use the official page moica.nat.gov.tw: other software can lock such a "
            "card for good, so Kaika never sends it a PIN."
        ),
    ),
    ProfileName.UNKNOWN: ProfileText(
        N_("unknown card"),
        N_("a card Kaika does not know"),
        N_("Put in the certificate card; an ARC or a health card will not do."),
    ),
}


def finding_code(profile: ProfileName) -> str:
    """Return the stable code of the finding that a card is of this kind."""
    return "card_unknown" if profile is ProfileName.UNKNOWN else f"card_is_{profile}"
