"""A card that is none of those we know: named as such, and left alone."""

from reader_bridge.card.channel import CardChannel
from reader_bridge.card.profiles.base import CardProfile, CardStatus
from reader_bridge.protocol.vocabulary import ProfileName


class UnknownProfile(CardProfile):
    """An unidentified card. Every verb is refused; nothing beyond recognition was sent."""

    name = ProfileName.UNKNOWN

    @classmethod
    def recognise(cls, channel: CardChannel) -> "UnknownProfile":
        """Take any card. Sends nothing."""
        return cls(channel)

    def status(self) -> CardStatus:
        """Say that nothing is known of the card. Sends nothing."""
        return CardStatus(self.name)
