"""A card of no known kind, which is left alone."""

from reader_bridge.card.channel import CardChannel
from reader_bridge.card.profiles.base import CardProfile, CardStatus
from reader_bridge.protocol.enums import ProfileName


class UnknownProfile(CardProfile):
    """An unidentified card. Everything is refused; nothing beyond recognition was sent."""

    name = ProfileName.UNKNOWN

    @classmethod
    def recognise(cls, channel: CardChannel) -> "UnknownProfile":
        """Take any card. Sends nothing."""
        return cls(channel)

    def status(self) -> CardStatus:
        """Return a status without content. Sends nothing."""
        return CardStatus(self.name)
