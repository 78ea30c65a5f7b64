"""Reading updates from JSON that may contain anything.

An update is JSON that somebody else wrote, so nothing is taken for granted about its fields.

What orjson refuses is read once more by the standard library, which is slower and takes lone
surrogates and numbers of any size. What neither can read or the inbox cannot store is returned as
an `UnreadableUpdate`, so that one update never keeps those beside it from being processed.
"""

import json
import math
import re
from collections.abc import Iterator
from dataclasses import dataclass, field
from typing import Any

import orjson

Json = dict[str, Any]

_STRING_OR_BRACKET = re.compile(rb'"[^"\\]*(?:\\.[^"\\]*)*(?:"|\Z)|[{}\[\]]', re.DOTALL)
_UPDATE_ID = re.compile(rb'"update_id"\s*:\s*(\d{1,19})(?![\d.eE])')
_UPDATE_DEPTH = 2
"""Brackets around an update in an answer of getUpdates."""
_MAX_DIGITS = 18
"""Digits of the integers that JSON and database can store in 64 bits."""


_TYPED = ("text", "caption")
IDS = range(-(2**63), 2**63)
"""The integers that the database can store; a boolean, which is an `int` too, is none."""


@dataclass(frozen=True)
class UnreadableUpdate:
    """An update that cannot be parsed or not be stored as JSON.

    :ivar raw: the update as it was received.
    :ivar error: type of the error.
    """

    update_id: int
    raw: bytes = field(repr=False)
    error: str


ReceivedUpdate = Json | UnreadableUpdate


class UnreadableAnswerError(Exception):
    """An answer of getUpdates contains no list of updates."""


def read_updates(body: bytes) -> list[ReceivedUpdate]:
    """Return the updates in an answer of getUpdates; items without an id are dropped.

    Of an answer that was cut off, the complete updates are returned.

    :raises UnreadableAnswerError: if it contains no updates, nor says that there are none.
    """
    try:
        items = _read_list(orjson.loads(body))
    except orjson.JSONDecodeError:
        items = None
    if items is not None and all(map(_is_storable, items)):
        return items
    parsed = map(read_update, _find_complete(body, _UPDATE_DEPTH))
    updates = [update for update in parsed if update is not None]
    if not updates:
        raise UnreadableAnswerError
    return updates


def read_update(raw: bytes) -> ReceivedUpdate | None:
    """Return the update that a text contains; `None` if it is cut off or contains none."""
    try:
        item = _parse(raw)
    except (ValueError, RecursionError) as error:
        return _unreadable(raw, error)
    if not _is_update(item):
        return None
    try:
        orjson.dumps(item)
    except TypeError as error:
        return _unreadable(raw, error)
    update: Json = item
    return update


def texts_in(update: Json) -> Iterator[str]:
    """Yield everything in an update that was typed as a text or a caption."""
    left: list[Any] = [update]
    while left:
        part = left.pop()
        if isinstance(part, dict):
            yield from (part[name] for name in _TYPED if isinstance(part.get(name), str))
            left += part.values()
        elif isinstance(part, list):
            left += part


def _is_update(item: object) -> bool:
    number = item.get("update_id") if isinstance(item, dict) else None
    return type(number) is int and number in IDS and number >= 0


def _read_list(answer: object) -> list[Any]:
    items = answer.get("result") if isinstance(answer, dict) else None
    if not isinstance(items, list):
        raise UnreadableAnswerError
    return items


def _is_storable(item: object) -> bool:
    """Whether an item is an update that can be written as JSON; orjson reads deeper nesting."""
    if not _is_update(item):
        return False
    try:
        orjson.dumps(item)
    except TypeError:
        return False
    return True


def _parse(raw: bytes) -> Any:
    """Parse JSON, also with lone surrogates and numbers that do not fit into 64 bits.

    :raises ValueError: if it is no JSON.
    :raises RecursionError: if it is nested too deeply.
    """
    try:
        return orjson.loads(raw)
    except orjson.JSONDecodeError:
        text = raw.decode(errors="replace")
        item = json.loads(
            text, parse_int=_read_int, parse_float=_read_float, parse_constant=_none, strict=False
        )
        clean = json.dumps(item, ensure_ascii=False).encode(errors="replace")
        return orjson.loads(clean)


def _read_int(digits: str) -> int | float | None:
    return int(digits) if len(digits) <= _MAX_DIGITS else _read_float(digits)


def _read_float(digits: str) -> float | None:
    number = float(digits)
    return number if math.isfinite(number) else None


def _none(_constant: str) -> None:
    """Return the value of NaN and Infinity, which JSON does not have."""


def _unreadable(raw: bytes, error: Exception) -> UnreadableUpdate | None:
    number = _UPDATE_ID.search(raw)
    if number is None or int(number[1]) >= 2**63 or not any(_find_complete(raw, 0)):
        return None
    return UnreadableUpdate(int(number[1]), raw, type(error).__name__)


def _find_complete(body: bytes, depth: int) -> Iterator[bytes]:
    """Yield the objects and lists inside `depth` brackets, except for one that is cut off."""
    level, start = 0, 0
    for token in _STRING_OR_BRACKET.finditer(body):
        bracket = token[0]
        if bracket in (b"{", b"["):
            if level == depth:
                start = token.start()
            level += 1
        elif bracket in (b"}", b"]"):
            level -= 1
            if level == depth:
                yield body[start : token.end()]
