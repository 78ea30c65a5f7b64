"""Recognition of the card in a reader: one profile for each card application."""

import time
from collections.abc import Callable

from reader_bridge.card.channel import CardChannel
from reader_bridge.card.connection import CardConnection
from reader_bridge.card.errors import MalformedResponseError
from reader_bridge.card.profiles.base import CardProfile
from reader_bridge.card.profiles.gids import GidsProfile
from reader_bridge.card.profiles.moica import MoicaProfile
from reader_bridge.card.profiles.piv import PivProfile
from reader_bridge.card.profiles.unknown import UnknownProfile

PROFILES: tuple[type[CardProfile], ...] = (GidsProfile, PivProfile, MoicaProfile, UnknownProfile)
"""In the order in which they are tried: standard applications, which identify themselves, first."""


def identify(
    connection: CardConnection, *, clock: Callable[[], float] = time.monotonic
) -> CardProfile:
    """Recognise the card, with reading commands only.

    A card that answers nonsense is an unknown one.

    :raises CardError: the card was lost while it was read.
    """
    channel = CardChannel(connection, clock=clock)
    for kind in PROFILES:
        if kind.matches_atr(connection.atr):
            return kind(channel)
    for kind in PROFILES:
        try:
            profile = kind.recognise(channel)
        except MalformedResponseError:
            continue
        if profile is not None:
            return profile
    return UnknownProfile(channel)


__all__ = ["PROFILES", "CardProfile", "identify"]
