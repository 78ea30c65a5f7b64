"""Callback data of the buttons: ``v1:<route>:<argument>``, at most 64 bytes (Bot API)."""

import re
from dataclasses import dataclass

VERSION = "v1"
LIMIT = 64
_DATA = re.compile(r"v1:([a-z_]{1,16}):([A-Za-z0-9_.-]{0,58})")


@dataclass(frozen=True, slots=True)
class Pressed:
    """The decoded data of a pressed button.

    :ivar argument: the parts, joined by dots.
    """

    route: str
    argument: str

    @property
    def parts(self) -> list[str]:
        """The parts of the argument."""
        return self.argument.split(".")


def encode_callback_data(route: str, *parts: str) -> str:
    """Return the callback data of a button.

    :raises ValueError: for data that `decode` would reject.
    """
    data = f"{VERSION}:{route}:{'.'.join(parts)}"
    if len(data.encode()) > LIMIT or not _DATA.fullmatch(data):
        raise ValueError(f"not valid as callback data: route {route}")
    return data


def decode_callback_data(data: str | None) -> Pressed | None:
    """Return the decoded data; `None` for another version, another format or forged data."""
    match = _DATA.fullmatch(data or "")
    return Pressed(match[1], match[2]) if match else None
