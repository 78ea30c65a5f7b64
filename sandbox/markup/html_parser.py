"""Reads ``parse_mode=HTML`` as the Bot API server does, with its errors."""

import re
from dataclasses import dataclass

from sandbox.errors import ApiError, bad_request
from sandbox.markup.links import parse_user_link, try_normalise_link
from sandbox.types import Entity

_ENTITY_TYPES = {
    "b": "bold",
    "strong": "bold",
    "i": "italic",
    "em": "italic",
    "u": "underline",
    "ins": "underline",
    "s": "strikethrough",
    "strike": "strikethrough",
    "del": "strikethrough",
    "tg-spoiler": "spoiler",
    "span": "spoiler",
    "code": "code",
    "pre": "pre",
    "blockquote": "blockquote",
    "a": "text_link",
    "tg-emoji": "custom_emoji",
    "tg-time": "date_time",
}
_SPECIAL = re.compile(r"[<&]")
_PLAIN_TAG = re.compile(r"<(/?)([a-z-]+)>")
_CHARACTER = re.compile(r"&(?:#x([0-9a-fA-F]+)|#([0-9]+)|(lt|gt|amp|quot)(?![A-Za-z]));?")
_NAMED = {"lt": "<", "gt": ">", "amp": "&", "quot": '"'}
_SPACE = " \t\n\r\0\v"


@dataclass(slots=True)
class _OpenTag:
    """A start tag whose end has not come yet."""

    name: str
    argument: str
    date: str
    start: int


def parse_html(source: str) -> tuple[str, list[Entity]]:
    """Return the text of `source` and its entities, with offsets in code points.

    :raises ApiError: where Telegram cannot parse it.
    """
    if not _SPECIAL.search(source):
        return source, []
    return _HtmlParser(source).parse()


def decode_reference(source: str, at: int) -> tuple[str, int] | None:
    """Return the character that the reference at `at` means and where it ends, or None."""
    match = _CHARACTER.match(source, at)
    if match is None:
        return None
    if match[3]:
        return _NAMED[match[3]], match.end()
    code = int(match[1], 16) if match[1] else int(match[2])
    digits = len(match[1]) + 3 if match[1] else len(match[2]) + 2
    if code == 0 or code >= 0x10FFFF or digits >= 10 or 0xD800 <= code <= 0xDFFF:
        return None
    return chr(code), match.end()


class _HtmlParser:
    """One pass over one text."""

    def __init__(self, source: str) -> None:
        self.source = source
        self.at = 0
        self.parts: list[str] = []
        self.length = 0
        self.open: list[_OpenTag] = []
        self.entities: list[Entity] = []

    def parse(self) -> tuple[str, list[Entity]]:
        """Return the text and its entities."""
        while match := _SPECIAL.search(self.source, self.at):
            self._write(self.source[self.at : match.start()])
            self.at = match.start()
            if match[0] == "&":
                self._parse_reference()
            elif self._parse_plain_tag():
                continue
            elif self.source.startswith("</", self.at):
                self._parse_end_tag()
            else:
                self._parse_start_tag()
        self._write(self.source[self.at :])
        if self.open:
            name = self.open[-1].name
            raise _unparsable(f'Can\'t find end tag corresponding to start tag "{name}"')
        return "".join(self.parts), self.entities

    def _parse_plain_tag(self) -> bool:
        """Parse a tag without attributes in one step, as most are; return whether it was one."""
        match = _PLAIN_TAG.match(self.source, self.at)
        if match is None or match[2] not in _ENTITY_TYPES or match[2] == "span":
            return False
        if not match[1]:
            self.open.append(_OpenTag(match[2], "", "", self.length))
        elif self.open and self.open[-1].name == match[2]:
            tag = self.open.pop()
            if self.length > tag.start:
                self._close_tag(tag)
        else:
            return False
        self.at = match.end()
        return True

    def _write(self, piece: str) -> None:
        self.parts.append(piece)
        self.length += len(piece)

    def _parse_reference(self) -> None:
        decoded = decode_reference(self.source, self.at)
        if decoded is None:
            self._write("&")
            self.at += 1
            return
        self._write(decoded[0])
        self.at = decoded[1]

    def _peek(self) -> str:
        """Return the character here, or nothing at the end."""
        return self.source[self.at : self.at + 1]

    def _skip(self, characters: str) -> None:
        while self._peek() and self._peek() in characters:
            self.at += 1

    def _take_until(self, stops: str) -> str:
        start = self.at
        while self._peek() and self._peek() not in stops:
            self.at += 1
        return self.source[start : self.at]

    def _parse_start_tag(self) -> None:
        begin = self.at
        self.at += 1
        name = self._take_until(_SPACE + ">").lower()
        if not self._peek():
            raise self._error_at("Unclosed start tag", begin)
        if name not in _ENTITY_TYPES:
            raise self._error_at(f'Unsupported start tag "{name}"', begin)
        tag = _OpenTag(name, "", "", self.length)
        while self._peek() != ">":
            self._parse_attribute(tag, begin)
        self.at += 1
        if name == "span" and tag.argument != "spoiler":
            raise self._error_at('Tag "span" must have class "tg-spoiler"', begin)
        self.open.append(tag)

    def _parse_attribute(self, tag: _OpenTag, begin: int) -> None:
        self._skip(_SPACE)
        if self._peek() == ">":
            return
        key = self._take_until(_SPACE + "=>/\"'")
        if not key:
            raise self._error_at(f'Empty attribute name in the tag "{tag.name}"', begin)
        self._skip(_SPACE)
        if self._peek() != "=":
            if not self._peek():
                raise self._error_at(f'Unclosed start tag "{tag.name}"', begin)
            _store_attribute(tag, key, "")
            return
        self.at += 1
        self._skip(_SPACE)
        if not self._peek():
            raise self._error_at(f'Unclosed start tag "{tag.name}"', begin)
        value = self._parse_value()
        if not self._peek():
            raise self._error_at("Unclosed start tag", begin)
        _store_attribute(tag, key, value)

    def _parse_value(self) -> str:
        quote = self._peek()
        if quote not in "'\"":
            return self._parse_token()
        self.at += 1
        parts: list[str] = []
        while self._peek() and self._peek() != quote:
            decoded = decode_reference(self.source, self.at) if self._peek() == "&" else None
            parts.append(decoded[0] if decoded else self._peek())
            self.at = decoded[1] if decoded else self.at + 1
        self.at += 1 if self._peek() else 0
        return "".join(parts)

    def _parse_token(self) -> str:
        begin = self.at
        while self._peek().isascii() and (self._peek().isalnum() or self._peek() in (".", "-")):
            self.at += 1
        if self._peek() not in ("", ">") and self._peek() not in _SPACE:
            raise self._error_at("Unexpected end of name token", begin)
        return self.source[begin : self.at].lower()

    def _parse_end_tag(self) -> None:
        begin = self.at
        if not self.open:
            raise self._error_at("Unexpected end tag", begin)
        self.at += 2
        name = self._take_until(_SPACE + ">").lower()
        self._skip(_SPACE)
        if self._peek() != ">":
            raise self._error_at("Unclosed end tag", begin)
        self.at += 1
        tag = self.open[-1]
        if name and name != tag.name:
            where = _byte_offset(self.source, begin)
            raise _unparsable(
                f'Unmatched end tag at byte offset {where}, expected "</{tag.name}>", '
                f'found "</{name}>"'
            )
        if self.length > tag.start:
            self._close_tag(tag)
        self.open.pop()

    def _close_tag(self, tag: _OpenTag) -> None:
        entity: Entity = {
            "type": _ENTITY_TYPES[tag.name],
            "offset": tag.start,
            "length": self.length - tag.start,
        }
        if tag.name == "a":
            self._add_link(entity, tag.argument or "".join(self.parts)[tag.start :])
        elif tag.name in ("pre", "code"):
            self._add_code(entity, tag)
        elif tag.name == "blockquote":
            entity["type"] = "expandable_blockquote" if tag.argument else "blockquote"
            self.entities.append(entity)
        elif tag.name == "tg-emoji":
            if not tag.argument.isdigit() or not int(tag.argument):
                raise _unparsable("Invalid custom emoji identifier specified")
            self.entities.append({**entity, "custom_emoji_id": tag.argument})
        elif tag.name == "tg-time":
            self._add_time(entity, tag)
        else:
            self.entities.append(entity)

    def _add_link(self, entity: Entity, target: str) -> None:
        if user_id := parse_user_link(target):
            self.entities.append({**entity, "type": "text_mention", "user": {"id": user_id}})
        elif url := try_normalise_link(target):
            self.entities.append({**entity, "url": url})

    def _add_time(self, entity: Entity, tag: _OpenTag) -> None:
        if tag.date.isdigit() and int(tag.date):
            stamp = {"unix_time": int(tag.date), "date_time_format": tag.argument}
            self.entities.append({**entity, **stamp})

    def _add_code(self, entity: Entity, tag: _OpenTag) -> None:
        """Join ``<pre><code class="language-x">`` into one entity, as Telegram does."""
        last = self.entities[-1] if self.entities else None
        if last and (last["offset"], last["length"]) == (entity["offset"], entity["length"]):
            if tag.name == "pre" and last["type"] == "code" and "language" in last:
                last["type"] = "pre"
                return
            if tag.name == "code" and last["type"] == "pre" and tag.argument:
                last["language"] = tag.argument
                return
        if tag.name == "code" and tag.argument:
            entity["language"] = tag.argument
        self.entities.append(entity)

    def _error_at(self, reason: str, position: int) -> ApiError:
        return _unparsable(f"{reason} at byte offset {_byte_offset(self.source, position)}")


def _store_attribute(tag: _OpenTag, key: str, value: str) -> None:
    """Store what a tag needs of an attribute."""
    match tag.name, key:
        case ("a", "href") | ("tg-emoji", "emoji-id") | ("tg-time", "format"):
            tag.argument = value
        case ("code", "class") if value.startswith("language-"):
            tag.argument = value.removeprefix("language-")
        case ("span", "class") if value.startswith("tg-"):
            tag.argument = value.removeprefix("tg-")
        case ("blockquote", "expandable"):
            tag.argument = "1"
        case ("tg-time", "unix"):
            tag.date = value
        case _:
            pass


def _byte_offset(source: str, position: int) -> int:
    return len(source[:position].encode())


def _unparsable(reason: str) -> ApiError:
    return bad_request(f"can't parse entities: {reason}")
