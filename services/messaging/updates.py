"""What the inbox knows of an update: its id, its kind, its chat, and whether it reports a charge.

An update is JSON that somebody else wrote, so nothing is taken for granted about its fields.
"""

import re
from collections.abc import Iterator
from dataclasses import dataclass, field
from typing import Any

Json = dict[str, Any]

PAYMENT = "successful_payment"
"""Kind of the updates that report a charge."""
UNREADABLE = "unreadable"
"""Kind of the updates that are no JSON or cannot be stored as JSON."""
_UNKNOWN = "unknown"
_FIELD_NAME = re.compile(r"[a-z][a-z_]{0,31}")
_TYPED = ("text", "caption")


@dataclass(frozen=True)
class UnreadableUpdate:
    """An update that cannot be parsed or not be stored as JSON.

    :ivar raw: the update as it was received.
    :ivar error: type of the error.
    """

    update_id: int
    raw: bytes = field(repr=False)
    error: str

    @property
    def kind(self) -> str:
        """Its kind; it may report a charge all the same."""
        return PAYMENT if PAYMENT.encode() in self.raw else UNREADABLE


ReceivedUpdate = Json | UnreadableUpdate


def is_update(item: object) -> bool:
    """Whether an item has an update id."""
    return isinstance(item, dict) and _is_id(item.get("update_id")) and item["update_id"] >= 0


def update_id_of(update: ReceivedUpdate) -> int:
    """Return the id of an update."""
    if isinstance(update, UnreadableUpdate):
        return update.update_id
    number: int = update["update_id"]
    return number


def has_payment(item: Json) -> bool:
    """Whether an update reports a charge."""
    return any(isinstance(part, dict) and PAYMENT in part for part in item.values())


def kind_of(item: Json) -> str:
    """Return the kind of an update: `PAYMENT`, or the name of its field, such as ``message``."""
    if has_payment(item):
        return PAYMENT
    names = (name for name in item if name != "update_id")
    return next((name for name in names if _FIELD_NAME.fullmatch(name)), _UNKNOWN)


def chat_of(item: Json) -> int | None:
    """Return the chat of an update, or else the person, within which updates keep their order."""
    for part in item.values():
        for found in (_get(part, "chat"), _get(part, "message", "chat"), _get(part, "from")):
            number = _get(found, "id")
            if _is_id(number):
                chat: int = number
                return chat
    return None


def texts_in(item: Json) -> Iterator[str]:
    """Yield everything in an update that was typed as a text or a caption."""
    left: list[Any] = [item]
    while left:
        part = left.pop()
        if isinstance(part, dict):
            yield from (part[name] for name in _TYPED if isinstance(part.get(name), str))
            left += part.values()
        elif isinstance(part, list):
            left += part


def _get(part: object, *names: str) -> Any:
    for name in names:
        part = part.get(name) if isinstance(part, dict) else None
    return part


def _is_id(number: object) -> bool:
    return isinstance(number, int) and not isinstance(number, bool) and -(2**63) <= number < 2**63
