"""Which card is this? One profile a card application, and the order they are asked in."""

import time
from collections.abc import Callable

from reader_bridge.card.channel import CardChannel
from reader_bridge.card.connection import CardConnection
from reader_bridge.card.errors import MalformedResponseError
from reader_bridge.card.profiles.base import CardProfile
from reader_bridge.card.profiles.gids import GidsProfile
from reader_bridge.card.profiles.moica import MoicaProfile, is_marked
from reader_bridge.card.profiles.piv import PivProfile
from reader_bridge.card.profiles.unknown import UnknownProfile

RECOGNISERS = (GidsProfile.recognise, PivProfile.recognise, MoicaProfile.recognise)
"""Standard applications first: a card that has one says so without a doubt."""


def identify(
    connection: CardConnection, *, clock: Callable[[], float] = time.monotonic
) -> CardProfile:
    """Recognise the card, with reading commands only.

    A card that answers nonsense is an unknown one; a card that is gone is an error.

    :raises CardError: where the card was lost on the way.
    """
    channel = CardChannel(connection, clock=clock)
    if is_marked(connection.atr):
        return MoicaProfile(channel)
    for recognise in RECOGNISERS:
        try:
            profile = recognise(channel)
        except MalformedResponseError:
            continue
        if profile is not None:
            return profile
    return UnknownProfile(channel)


__all__ = ["RECOGNISERS", "CardProfile", "identify"]
