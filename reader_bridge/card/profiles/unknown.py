"""A card that is none of those we know: named as such, and left alone."""

from reader_bridge.card.profiles.base import CardProfile, CardStatus, ProfileName


class UnknownProfile(CardProfile):
    """An unidentified card. Every verb is refused; nothing beyond recognition was sent."""

    name = ProfileName.UNKNOWN

    def status(self) -> CardStatus:
        """Say that nothing is known of the card. Sends nothing."""
        return CardStatus(self.name)
