"""Callback data of our buttons: ``v1:<route>:<argument>``, at most 64 bytes (Bot API)."""

import re
from dataclasses import dataclass

VERSION = "v1"
LIMIT = 64
_DATA = re.compile(r"v1:([a-z_]{1,16}):([A-Za-z0-9_.-]{0,58})")


@dataclass(frozen=True, slots=True)
class Pressed:
    """What a button says: which route, and its argument, parts joined by dots."""

    route: str
    argument: str

    @property
    def parts(self) -> list[str]:
        """The argument's parts."""
        return self.argument.split(".")


def encode(route: str, *parts: str) -> str:
    """Return the callback data of a button.

    :raises ValueError: where it would not be understood when it comes back.
    """
    data = f"{VERSION}:{route}:{'.'.join(parts)}"
    if len(data.encode()) > LIMIT or not _DATA.fullmatch(data):
        raise ValueError(f"not valid as callback data: route {route}")
    return data


def decode(data: str | None) -> Pressed | None:
    """Read callback data; `None` for what is not ours, of another version, or forged."""
    match = _DATA.fullmatch(data or "")
    return Pressed(match[1], match[2]) if match else None
