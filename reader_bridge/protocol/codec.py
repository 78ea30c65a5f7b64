"""Strict conversion between frozen dataclasses and JSON.

A field is declared with its bounds (`Annotated[str, TextBounds(64)]`). Decoding, encoding and the
published schema (:mod:`tools.protocol_docs.schema`) all follow from that declaration.
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
_FIELDS: "dict[type[Any], tuple[MessageField, ...]]" = {}


@dataclass(frozen=True, slots=True)
class TextBounds:
    """The length of a text in characters, and its pattern. Control characters are refused."""

    max_length: int
    min_length: int = 0
    pattern: str = ""

    def check(self, value: object) -> str:
        """Return the value.

        :raises ProtocolError: the value is out of bounds.
        """
        if type(value) is not str or not self.min_length <= len(value) <= self.max_length:
            raise ProtocolError
        if _CONTROLS.search(value) or (self.pattern and not re.fullmatch(self.pattern, value)):
            raise ProtocolError
        return value


@dataclass(frozen=True, slots=True)
class IntegerBounds:
    """The range of an integer."""

    minimum: int
    maximum: int

    def check(self, value: object) -> int:
        """Return the value.

        :raises ProtocolError: the value is out of bounds, or `true` or `false`.
        """
        if type(value) is not int or not self.minimum <= value <= self.maximum:
            raise ProtocolError
        return value


@dataclass(frozen=True, slots=True)
class BytesBounds:
    """The length of a byte string; in JSON base64url without padding (RFC 4648 §5)."""

    min_length: int
    max_length: int

    def check(self, value: object) -> bytes:
        """Return the value.

        :raises ProtocolError: the value is out of bounds.
        """
        if not isinstance(value, bytes) or not self.min_length <= len(value) <= self.max_length:
            raise ProtocolError
        return value

    def decode(self, value: object) -> bytes:
        """Decode base64url; only the canonical encoding is accepted.

        :raises ProtocolError: the value is not canonical base64url, or out of bounds.
        """
        if type(value) is not str or len(value) > 4 * self.max_length // 3 + 4:
            raise ProtocolError
        if not _BASE64URL.fullmatch(value) or len(value) % 4 == 1:
            raise ProtocolError
        octets = self.check(urlsafe_b64decode(value + "=" * (-len(value) % 4)))
        if _base64url(octets) != value:
            raise ProtocolError
        return octets

    def encode(self, value: object) -> str:
        """Encode as base64url.

        :raises ProtocolError: the value is out of bounds.
        """
        return _base64url(self.check(value))


@dataclass(frozen=True, slots=True)
class ListBounds:
    """The length of a list."""

    max_items: int


@dataclass(frozen=True, slots=True)
class TaggedUnion:
    """One of several objects. The field `tag_field`, which comes before it, says which."""

    tag_field: str
    types: Mapping[Any, type[Any]]

    def type_for(self, tag: object, value: object = None) -> type[Any]:
        """Return the type for a tag, and check that a value is of it.

        :raises ProtocolError: there is no such type, or the value is of another.
        """
        kind = self.types.get(tag)
        if kind is None or (value is not None and type(value) is not kind):
            raise ProtocolError
        return kind


def _base64url(octets: bytes) -> str:
    return urlsafe_b64encode(octets).rstrip(b"=").decode("ascii")


@dataclass(frozen=True, slots=True)
class MessageField:
    """One field of a message, or of an object in one."""

    name: str
    decode: Callable[[Any], Any]
    encode: Callable[[Any], Any]
    optional: bool
    union: TaggedUnion | None = None


def message_fields(kind: type[Any]) -> tuple[MessageField, ...]:
    """Return the fields of a dataclass, in order."""
    known = _FIELDS.get(kind)
    if known is None:
        hints = get_type_hints(kind, include_extras=True)
        known = tuple(_message_field(each.name, hints[each.name]) for each in fields(kind))
        _FIELDS[kind] = known
    return known


def decode_object(kind: type[Any], values: object) -> Any:
    """Decode a JSON object to a dataclass; unknown fields are ignored.

    :raises ProtocolError: a field is missing or out of bounds.
    """
    if type(values) is not dict:
        raise ProtocolError
    found: dict[str, Any] = {}
    for field in message_fields(kind):
        value = values.get(field.name, _MISSING)
        if value is None or value is _MISSING:
            if not field.optional:
                raise ProtocolError(field=field.name)
            found[field.name] = None
            continue
        try:
            found[field.name] = (
                decode_object(field.union.type_for(found.get(field.union.tag_field)), value)
                if field.union
                else field.decode(value)
            )
        except ProtocolError as error:
            error.field = error.field or field.name
            raise
    return kind(**found)


def decode_field(kind: type[Any], name: str, values: dict[str, Any]) -> Any:
    """Decode a single field of a JSON object.

    :raises ProtocolError: the field is missing or out of bounds.
    """
    field = next(field for field in message_fields(kind) if field.name == name)
    return field.decode(values.get(name))


def encode_object(value: Any) -> dict[str, Any]:
    """Encode a dataclass to a JSON object; fields that are `None` are omitted.

    :raises ProtocolError: a field is out of bounds, which is an error of this side.
    """
    written_out: dict[str, Any] = {}
    for field in message_fields(type(value)):
        content = getattr(value, field.name)
        if content is None and field.optional:
            continue
        try:
            if field.union:
                field.union.type_for(getattr(value, field.union.tag_field), content)
            written_out[field.name] = field.encode(content)
        except ProtocolError as error:
            error.field = error.field or field.name
            raise
    return written_out


def _message_field(name: str, hint: Any) -> MessageField:
    parts = get_args(hint) if get_origin(hint) in (Union, UnionType) else (hint,)
    present = [part for part in parts if part is not NoneType]
    if len(present) != 1:
        raise TypeError(name)
    choice = next(
        (each for each in _annotations(present[0]) if isinstance(each, TaggedUnion)), None
    )
    if choice:
        return MessageField(name, lambda _: None, encode_object, len(parts) > 1, choice)
    read, write = _converters(present[0])
    return MessageField(name, read, write, len(present) < len(parts))


def _annotations(hint: Any) -> tuple[Any, ...]:
    return get_args(hint)[1:] if get_origin(hint) is Annotated else ()


def _converters(hint: Any) -> tuple[Callable[[Any], Any], Callable[[Any], Any]]:
    for note in _annotations(hint):
        if isinstance(note, BytesBounds):
            return note.decode, note.encode
        if isinstance(note, TextBounds | IntegerBounds):
            return note.check, note.check
        if isinstance(note, ListBounds):
            return _list_converters(get_args(get_args(hint)[0])[0], note)
    if hint is bool:
        return _check_boolean, _check_boolean
    if isinstance(hint, type) and issubclass(hint, StrEnum):
        return lambda value: _decode_enum(
            hint, value
        ), lambda value: _decode_enum(hint, value).value
    return lambda value: decode_object(hint, value), encode_object


def _list_converters(
    inner: Any, items: ListBounds
) -> tuple[Callable[[Any], Any], Callable[[Any], Any]]:
    read, write = _converters(inner)

    def read_all(value: object) -> tuple[Any, ...]:
        if type(value) is not list or len(value) > items.max_items:
            raise ProtocolError
        return tuple(read(each) for each in value)

    def write_all(value: tuple[Any, ...]) -> list[Any]:
        if len(value) > items.max_items:
            raise ProtocolError
        return [write(each) for each in value]

    return read_all, write_all


def _check_boolean(value: object) -> bool:
    if type(value) is not bool:
        raise ProtocolError
    return value


def _decode_enum(kind: type[StrEnum], value: object) -> StrEnum:
    if not isinstance(value, str):
        raise ProtocolError
    try:
        return kind(value)
    except ValueError:
        raise ProtocolError from None
