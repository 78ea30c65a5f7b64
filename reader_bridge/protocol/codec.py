"""Between frozen dataclasses and JSON, strictly: what is not exactly as declared is refused.

A field is declared with its bounds (`Annotated[str, Text(64)]`). From the declarations come the
reader, the writer and, in :mod:`document`, the published schema; there is no second list.
"""

import re
from base64 import urlsafe_b64decode, urlsafe_b64encode
from collections.abc import Callable, Mapping
from dataclasses import dataclass, fields
from enum import StrEnum
from types import NoneType, UnionType
from typing import Annotated, Any, Union, get_args, get_origin, get_type_hints

from reader_bridge.protocol.errors import ProtocolError

_BASE64URL = re.compile(r"[A-Za-z0-9_-]*")
_CONTROLS = re.compile(r"[\x00-\x1f\x7f-\x9f\u2028\u2029\ud800-\udfff]")
_MISSING = object()
_LAYOUTS: "dict[type[Any], tuple[Field, ...]]" = {}


@dataclass(frozen=True, slots=True)
class Text:
    """A text of so many characters, without control characters and of a pattern where given."""

    most: int
    least: int = 0
    pattern: str = ""

    def check(self, value: object) -> str:
        """Give the value.

        :raises ProtocolError: where it is out of bounds.
        """
        if type(value) is not str or not self.least <= len(value) <= self.most:
            raise ProtocolError
        if _CONTROLS.search(value) or (self.pattern and not re.fullmatch(self.pattern, value)):
            raise ProtocolError
        return value


@dataclass(frozen=True, slots=True)
class Whole:
    """A whole number within bounds."""

    least: int
    most: int

    def check(self, value: object) -> int:
        """Give the value.

        :raises ProtocolError: where it is out of bounds, or `true` or `false`.
        """
        if type(value) is not int or not self.least <= value <= self.most:
            raise ProtocolError
        return value


@dataclass(frozen=True, slots=True)
class Octets:
    """So many bytes; in JSON base64url without padding (RFC 4648 §5)."""

    least: int
    most: int

    def check(self, value: object) -> bytes:
        """Give the value.

        :raises ProtocolError: where it is out of bounds.
        """
        if not isinstance(value, bytes) or not self.least <= len(value) <= self.most:
            raise ProtocolError
        return value

    def read(self, value: object) -> bytes:
        """Read them from JSON, where there is only one way to write them."""
        if type(value) is not str or len(value) > 4 * self.most // 3 + 4:
            raise ProtocolError
        if not _BASE64URL.fullmatch(value) or len(value) % 4 == 1:
            raise ProtocolError
        octets = self.check(urlsafe_b64decode(value + "=" * (-len(value) % 4)))
        if _written(octets) != value:
            raise ProtocolError
        return octets

    def write(self, value: object) -> str:
        """Write them as JSON has them."""
        return _written(self.check(value))


@dataclass(frozen=True, slots=True)
class Items:
    """A list of at most so many."""

    most: int


@dataclass(frozen=True, slots=True)
class Choice:
    """One of several objects; which, says the field `by` before it."""

    by: str
    kinds: Mapping[Any, type[Any]]

    def kind(self, tag: object, value: object = None) -> type[Any]:
        """Give the kind; with a value, see that it is of it.

        :raises ProtocolError: where it is of another.
        """
        kind = self.kinds.get(tag)
        if kind is None or (value is not None and type(value) is not kind):
            raise ProtocolError
        return kind


def _written(octets: bytes) -> str:
    """Write bytes as JSON has them."""
    return urlsafe_b64encode(octets).rstrip(b"=").decode("ascii")


@dataclass(frozen=True, slots=True)
class Field:
    """One field of a message or of an object in it."""

    name: str
    read: Callable[[Any], Any]
    write: Callable[[Any], Any]
    optional: bool
    choice: Choice | None = None


def layout(kind: type[Any]) -> tuple[Field, ...]:
    """Give the fields of a dataclass, in order."""
    known = _LAYOUTS.get(kind)
    if known is None:
        hints = get_type_hints(kind, include_extras=True)
        known = tuple(_field(each.name, hints[each.name]) for each in fields(kind))
        _LAYOUTS[kind] = known
    return known


def read_object(kind: type[Any], values: object) -> Any:
    """Make a dataclass of a JSON object; fields it does not have are ignored.

    :raises ProtocolError: where a field is missing or out of bounds.
    """
    if type(values) is not dict:
        raise ProtocolError
    found: dict[str, Any] = {}
    for field in layout(kind):
        value = values.get(field.name, _MISSING)
        if value is None or value is _MISSING:
            if not field.optional:
                raise ProtocolError(where=field.name)
            found[field.name] = None
            continue
        try:
            found[field.name] = (
                read_object(field.choice.kind(found.get(field.choice.by)), value)
                if field.choice
                else field.read(value)
            )
        except ProtocolError as error:
            error.where = error.where or field.name
            raise
    return kind(**found)


def read_field(kind: type[Any], name: str, values: dict[str, Any]) -> Any:
    """Read one field alone.

    :raises ProtocolError: where it is missing or out of bounds.
    """
    field = next(field for field in layout(kind) if field.name == name)
    return field.read(values.get(name))


def write_object(value: Any) -> dict[str, Any]:
    """Make a JSON object of a dataclass; fields that are `None` are left away.

    :raises ProtocolError: where a field is out of bounds: a mistake of this side.
    """
    written_out: dict[str, Any] = {}
    for field in layout(type(value)):
        content = getattr(value, field.name)
        if content is None and field.optional:
            continue
        try:
            if field.choice:
                field.choice.kind(getattr(value, field.choice.by), content)
            written_out[field.name] = field.write(content)
        except ProtocolError as error:
            error.where = error.where or field.name
            raise
    return written_out


def _field(name: str, hint: Any) -> Field:
    parts = get_args(hint) if get_origin(hint) in (Union, UnionType) else (hint,)
    present = [part for part in parts if part is not NoneType]
    if len(present) != 1:
        raise TypeError(name)
    choice = next((each for each in _notes(present[0]) if isinstance(each, Choice)), None)
    if choice:
        return Field(name, lambda _: None, write_object, len(parts) > 1, choice)
    read, write = _converters(present[0])
    return Field(name, read, write, len(present) < len(parts))


def _notes(hint: Any) -> tuple[Any, ...]:
    return get_args(hint)[1:] if get_origin(hint) is Annotated else ()


def _converters(hint: Any) -> tuple[Callable[[Any], Any], Callable[[Any], Any]]:
    for note in _notes(hint):
        if isinstance(note, Octets):
            return note.read, note.write
        if isinstance(note, Text | Whole):
            return note.check, note.check
        if isinstance(note, Items):
            return _list_converters(get_args(get_args(hint)[0])[0], note)
    if hint is bool:
        return _boolean, _boolean
    if isinstance(hint, type) and issubclass(hint, StrEnum):
        return lambda value: _member(hint, value), lambda value: _member(hint, value).value
    return lambda value: read_object(hint, value), write_object


def _list_converters(inner: Any, items: Items) -> tuple[Callable[[Any], Any], Callable[[Any], Any]]:
    read, write = _converters(inner)

    def read_all(value: object) -> tuple[Any, ...]:
        if type(value) is not list or len(value) > items.most:
            raise ProtocolError
        return tuple(read(each) for each in value)

    def write_all(value: tuple[Any, ...]) -> list[Any]:
        if len(value) > items.most:
            raise ProtocolError
        return [write(each) for each in value]

    return read_all, write_all


def _boolean(value: object) -> bool:
    if type(value) is not bool:
        raise ProtocolError
    return value


def _member(kind: type[StrEnum], value: object) -> StrEnum:
    if not isinstance(value, str):
        raise ProtocolError
    try:
        return kind(value)
    except ValueError:
        raise ProtocolError from None
