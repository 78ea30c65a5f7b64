"""From what a sender typed to the text and entities of a message."""

from collections.abc import Iterable, Mapping
from functools import lru_cache
from typing import Any

from sandbox.errors import bad_request
from sandbox.markup.entity_detection import find_entities
from sandbox.markup.html_parser import parse_html
from sandbox.markup.normalisation import clean_text, is_blank, merge_entities
from sandbox.types import Entity

_MAX_BYTES = 1 << 15


def parse_formatted_text(
    source: str, parse_mode: str | None = None, entities: Iterable[Mapping[str, Any]] | None = None
) -> tuple[str, list[Entity]]:
    """Return text and entities of what a bot sends; both may turn out empty.

    :param entities: with offsets in UTF-16 units; ignored with a `parse_mode`.
    :raises ApiError: where Telegram cannot parse it.
    """
    if entities:
        return _parse(source, parse_mode, entities)
    return _parse_cached(source, parse_mode)


@lru_cache(maxsize=2048)
def _parse_cached(source: str, parse_mode: str | None) -> tuple[str, list[Entity]]:
    """Cache: a bot sends the same texts over and over, and no caller changes the result."""
    return _parse(source, parse_mode, ())


def _parse(
    source: str, parse_mode: str | None, entities: Iterable[Mapping[str, Any]]
) -> tuple[str, list[Entity]]:
    if len(source.encode()) > _MAX_BYTES:
        raise bad_request("Text is too long")
    mode = (parse_mode or "").lower()
    if source and mode not in ("", "none"):
        if mode in ("markdown", "markdownv2"):
            raise bad_request("the sandbox does not read Markdown: use HTML or entities")
        if mode != "html":
            raise bad_request("Unsupported parse_mode")
        text, given = parse_html(source)
    else:
        text, given = source, _from_utf16_offsets(source, entities)
    return _normalise(text, given)


def parse_typed_text(source: str) -> tuple[str, list[Entity]]:
    """Return text and entities of what a person typed."""
    return _normalise(source, [])


def _normalise(text: str, given: list[Entity]) -> tuple[str, list[Entity]]:
    text, given = clean_text(text, given)
    if is_blank(text):
        return "", []
    settled = merge_entities(given, find_entities(text))
    for entity in settled:
        if entity["type"] == "code":
            entity.pop("language", None)
    return text, _to_utf16_offsets(text, settled)


def count_utf16_units(text: str) -> int:
    """Count the UTF-16 units of `text`."""
    return len(text) if text.isascii() else len(text.encode("utf-16-le")) // 2


def _to_utf16_offsets(text: str, entities: list[Entity]) -> list[Entity]:
    if not entities or text.isascii() or max(text) <= "\uffff":
        return entities
    units = [0]
    for character in text:
        units.append(units[-1] + (2 if character > "\uffff" else 1))
    return [
        {
            **entity,
            "offset": units[entity["offset"]],
            "length": units[entity["offset"] + entity["length"]] - units[entity["offset"]],
        }
        for entity in entities
    ]


def _from_utf16_offsets(text: str, entities: Iterable[Mapping[str, Any]]) -> list[Entity]:
    places: dict[int, int] = {}
    unit = 0
    for index, character in enumerate(text):
        places[unit] = index
        unit += 2 if character > "\uffff" else 1
    places[unit] = len(text)
    return [_convert_entity(entity, places, unit) for entity in entities if entity["length"] > 0]


def _convert_entity(entity: Mapping[str, Any], places: dict[int, int], size: int) -> Entity:
    start, end = entity["offset"], entity["offset"] + entity["length"]
    if start < 0:
        raise bad_request(f"Receive an entity with incorrect offset {start}")
    if start >= size:
        raise bad_request(f"Entity begins after the end of the text at UTF-16 offset {start}")
    if end > size:
        raise bad_request(
            f"Entity beginning at UTF-16 offset {start} ends after the end of the text "
            f"at UTF-16 offset {end}"
        )
    if start not in places or end not in places:
        raise bad_request(f"Entity beginning at UTF-16 offset {start} splits a UTF-16 symbol")
    return {**entity, "offset": places[start], "length": places[end] - places[start]}
