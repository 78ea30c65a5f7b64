"""Recognition of the card in a reader: one profile for each card application."""

import time
from collections.abc import Callable
from importlib import import_module

from reader_bridge.card.channel import CardChannel
from reader_bridge.card.connection import CardConnection
from reader_bridge.card.errors import MalformedResponseError
from reader_bridge.card.profiles.base import CardProfile
from reader_bridge.card.profiles.unknown import UnknownProfile
from reader_bridge.protocol.enums import ProfileName


def _load_profile(name: ProfileName) -> type[CardProfile]:
    """Return the profile of this name, which the module of the same name defines."""
    members = vars(import_module(f"{__name__}.{name}")).values()
    (profile,) = (
        member
        for member in members
        if isinstance(member, type)
        and issubclass(member, CardProfile)
        and getattr(member, "name", None) is name
    )
    return profile


PROFILES: tuple[type[CardProfile], ...] = tuple(_load_profile(name) for name in ProfileName)
"""In the order of their names: standard applications, which identify themselves, first."""


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
