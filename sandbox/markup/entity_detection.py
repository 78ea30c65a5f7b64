"""Finds what Telegram recognises in a plain text: commands, mentions, links, hashtags."""

import re
from collections.abc import Iterator

from sandbox.markup.url_detection import find_urls
from sandbox.types import Entity

_MENTION = re.compile(r"(?<!\w)@([A-Za-z0-9_]{2,32})(?!\w)")
_SHORT_NAMES = frozenset({"gif", "nft", "pic", "ufc", "vid"})
_COMMAND = re.compile(
    r"(?<![\w/<>])/[A-Za-z0-9_]{1,64}(?:@[A-Za-z0-9_]{3,32})?(?![\w/<>@])"
    r"|(?<![\w/<>])/[A-Za-z0-9_]{1,64}(?=@(?![A-Za-z0-9_]{3}))"
)
_HASHTAG = re.compile(r"(?<![\w·])#([\w·]{1,256})(?![\w·]*#)")
_CASHTAG = re.compile(r"(?<![\w$])\$(?:1INCH|[A-Z]{1,8})(?![\w$])")
_PHONE = re.compile(r"(?<![\w+])\+\d(?:[ \-().]{0,2}\d){6,14}(?![\w])")
_HINTS = re.compile(r"[@/#$+.:]")


def find_entities(text: str) -> list[Entity]:
    """Return the entities recognised in `text`, in order and not overlapping, in code points."""
    if not _HINTS.search(text):
        return []
    found = sorted(_find(text), key=lambda entity: (entity["offset"], -entity["length"]))
    kept: list[Entity] = []
    end = 0
    for entity in found:
        if entity["offset"] >= end:
            kept.append(entity)
            end = entity["offset"] + entity["length"]
    return kept


def _find(text: str) -> Iterator[Entity]:
    if "@" in text:
        yield from _mentions(text)
    if "/" in text:
        yield from _matches("bot_command", _COMMAND, text)
    if "#" in text:
        yield from _hashtags(text)
    if "$" in text:
        yield from _matches("cashtag", _CASHTAG, text)
    if "+" in text:
        yield from _matches("phone_number", _PHONE, text)
    if "." in text or "://" in text:
        for kind, start, end in find_urls(text):
            yield {"type": kind, "offset": start, "length": end - start}


def _matches(kind: str, pattern: re.Pattern[str], text: str) -> Iterator[Entity]:
    for match in pattern.finditer(text):
        yield {"type": kind, "offset": match.start(), "length": match.end() - match.start()}


def _mentions(text: str) -> Iterator[Entity]:
    for match in _MENTION.finditer(text):
        if len(match[1]) >= 4 or match[1].lower() in _SHORT_NAMES:
            length = match.end() - match.start()
            yield {"type": "mention", "offset": match.start(), "length": length}


def _hashtags(text: str) -> Iterator[Entity]:
    for match in _HASHTAG.finditer(text):
        if any(character.isalpha() for character in match[1]):
            length = match.end() - match.start()
            yield {"type": "hashtag", "offset": match.start(), "length": length}
