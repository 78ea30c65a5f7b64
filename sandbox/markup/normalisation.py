"""Cleans a text, and merges its entities as they may nest."""

import re
from itertools import pairwise

from sandbox.types import Entity

_SPLITTABLE = ("bold", "italic", "underline", "strikethrough", "spoiler")
_QUOTES = ("blockquote", "expandable_blockquote")
_CODE = ("code", "pre")
_PRIORITY = {
    "blockquote": 0,
    "expandable_blockquote": 0,
    "pre": 11,
    "code": 20,
    "text_link": 49,
    "text_mention": 49,
    "bold": 90,
    "italic": 91,
    "underline": 92,
    "strikethrough": 93,
    "spoiler": 94,
    "custom_emoji": 99,
}
_UNCLEAN = re.compile("[\0-\x09\x0b-\x1f\u2028-\u202e\u0333\u033f\u030a]")
_BLANK = re.compile("[\u200b-\u200f\u2060\ufeff\u3164\\s]*")
_INVISIBLE = " \n"


def clean_text(text: str, entities: list[Entity]) -> tuple[str, list[Entity]]:
    """Turn control characters into spaces, take out what Telegram takes out, and trim."""
    if _UNCLEAN.search(text):
        text, entities = _remove_control_characters(text, entities)
    return _trim(text, [entity for entity in entities if entity["length"] > 0])


def is_blank(text: str) -> bool:
    """Return whether nothing in `text` can be seen."""
    return _BLANK.fullmatch(text) is not None


def _remove_control_characters(text: str, entities: list[Entity]) -> tuple[str, list[Entity]]:
    parts: list[str] = []
    places = [0]
    for character in text:
        if not _UNCLEAN.match(character):
            parts.append(character)
        elif character < " " and character != "\r":
            parts.append(" ")
        places.append(len(parts))
    moved = [
        {
            **entity,
            "offset": places[entity["offset"]],
            "length": places[entity["offset"] + entity["length"]] - places[entity["offset"]],
        }
        for entity in entities
    ]
    return "".join(parts), moved


def _trim(text: str, entities: list[Entity]) -> tuple[str, list[Entity]]:
    """Cut blanks at the end, and those at the start that no entity covers."""
    text = text.rstrip(_INVISIBLE)
    first = min((entity["offset"] for entity in entities), default=len(text))
    cut = min(len(text) - len(text.lstrip(_INVISIBLE)), first)
    if not entities:
        return text[cut:], entities
    kept = []
    for entity in entities:
        length = min(entity["length"], len(text) - entity["offset"])
        if length > 0:
            kept.append({**entity, "offset": entity["offset"] - cut, "length": length})
    return text[cut:], kept


def merge_entities(given: list[Entity], found: list[Entity]) -> list[Entity]:
    """Merge the entities the sender gave with those Telegram found.

    Links, mentions and code never overlap each other, quotes do not nest, code holds no
    formatting, and formatting is merged with its like and cut where another entity begins.
    """
    if not given:
        return found
    together = _sort([*given, *found])
    if all(_end(one) < other["offset"] for one, other in pairwise(together)):
        return together
    solid = _drop_overlapping(
        [entity for entity in given if entity["type"] not in (*_SPLITTABLE, *_QUOTES)]
    )
    quotes = _drop_overlapping([entity for entity in given if entity["type"] in _QUOTES])
    solid = _drop_crossing_quotes(_add_free(solid, _drop_crossing_quotes(found, quotes)), quotes)
    others = _sort([*solid, *quotes])
    return _sort([*others, *_split_formatting(given, others)])


def _sort(entities: list[Entity]) -> list[Entity]:
    return sorted(
        entities,
        key=lambda entity: (
            entity["offset"],
            -entity["length"],
            _PRIORITY.get(entity["type"], 50),
        ),
    )


def _drop_overlapping(entities: list[Entity]) -> list[Entity]:
    """Keep only those that do not overlap an earlier one."""
    kept: list[Entity] = []
    end = 0
    for entity in _sort(entities):
        if entity["offset"] >= end:
            kept.append(entity)
            end = _end(entity)
    return kept


def _add_free(old: list[Entity], new: list[Entity]) -> list[Entity]:
    """Add those of `new` that overlap nothing of `old`."""
    free = [entity for entity in new if not any(_overlap(entity, other) for other in old)]
    return _sort([*old, *free])


def _drop_crossing_quotes(entities: list[Entity], quotes: list[Entity]) -> list[Entity]:
    """Keep those that lie within one quote or outside all of them."""
    return [
        entity
        for entity in entities
        if all(
            not _overlap(entity, quote)
            or (quote["offset"] <= entity["offset"] and _end(entity) <= _end(quote))
            for quote in quotes
        )
    ]


def _split_formatting(given: list[Entity], others: list[Entity]) -> list[Entity]:
    """Merge formatting of one kind and cut it at the edges of everything else."""
    runs = [run for kind in _SPLITTABLE for run in _merge_runs(given, kind)]
    edges = sorted(
        {run["offset"] for run in runs}
        | {entity["offset"] for entity in others}
        | {_end(entity) for entity in others}
    )
    code = [entity for entity in others if entity["type"] in _CODE]
    return [
        piece
        for run in runs
        for piece in _split_at(run, edges)
        if not any(_overlap(piece, entity) for entity in code)
    ]


def _merge_runs(given: list[Entity], kind: str) -> list[Entity]:
    runs: list[Entity] = []
    for entity in _sort([entity for entity in given if entity["type"] == kind]):
        if runs and entity["offset"] <= _end(runs[-1]):
            length = max(_end(runs[-1]), _end(entity)) - runs[-1]["offset"]
            runs[-1] = {**runs[-1], "length": length}
        else:
            runs.append(entity)
    return runs


def _split_at(run: Entity, edges: list[int]) -> list[Entity]:
    inner = [edge for edge in edges if run["offset"] < edge < _end(run)]
    bounds = [run["offset"], *inner, _end(run)]
    return [{**run, "offset": start, "length": end - start} for start, end in pairwise(bounds)]


def _end(entity: Entity) -> int:
    return int(entity["offset"] + entity["length"])


def _overlap(one: Entity, other: Entity) -> bool:
    return bool(one["offset"] < _end(other) and other["offset"] < _end(one))
