"""The JSON Schema of the messages, made from their types."""

import inspect
import re
from dataclasses import fields, is_dataclass
from enum import StrEnum
from types import NoneType, UnionType
from typing import Annotated, Any, Union, get_args, get_origin, get_type_hints

from reader_bridge.protocol.codec import (
    BytesBounds,
    IntegerBounds,
    ListBounds,
    TaggedUnion,
    TextBounds,
)
from reader_bridge.protocol.limits import MAX_SEQ
from reader_bridge.protocol.messages import BRIDGE_MESSAGES, SERVER_MESSAGES

DRAFT = "https://json-schema.org/draft/2020-12/schema"
_IVAR = re.compile(r"^:ivar (\w+): ", re.MULTILINE)


def summary(kind: type[Any]) -> str:
    """Return what a type's docstring says before its fields, one paragraph a line."""
    text = inspect.getdoc(kind) or ""
    head = text.split(":ivar ", 1)[0].strip()
    return "\n\n".join(" ".join(part.split()) for part in head.split("\n\n"))


def field_texts(kind: type[Any]) -> dict[str, str]:
    """Return what a type's docstring says of each field."""
    parts = _IVAR.split(inspect.getdoc(kind) or "")[1:]
    return {
        name: " ".join(text.split()) for name, text in zip(parts[::2], parts[1::2], strict=True)
    }


def schema() -> dict[str, Any]:
    """Return the schema of every frame."""
    return {
        "$schema": DRAFT,
        "title": "Kaika reader bridge, level 1",
        "$comment": "Fields that are not named here are ignored.",
        "oneOf": [
            {"title": "from the server", "oneOf": _frames(SERVER_MESSAGES)},
            {"title": "from the bridge", "oneOf": _frames(BRIDGE_MESSAGES)},
        ],
    }


def hints(kind: type[Any]) -> dict[str, Any]:
    """Return the declared type of each field."""
    declared = get_type_hints(kind, include_extras=True)
    return {each.name: declared[each.name] for each in fields(kind)}


def strip_optional(hint: Any) -> tuple[Any, bool]:
    """Return a declared type without `| None`, and whether it had it."""
    parts = get_args(hint) if get_origin(hint) in (Union, UnionType) else (hint,)
    present = [part for part in parts if part is not NoneType]
    return (present[0], len(parts) > 1) if len(present) == 1 else (hint, False)


def notes(hint: Any) -> tuple[Any, ...]:
    """Return the bounds that a declared type carries."""
    return get_args(hint)[1:] if get_origin(hint) is Annotated else ()


def _frames(kinds: dict[str, Any]) -> list[dict[str, Any]]:
    return [_frame(name, kind) for name, kind in kinds.items()]


def _frame(name: str, kind: type[Any]) -> dict[str, Any]:
    described = object_schema(kind)
    envelope = {
        "type": {"const": name},
        "seq": {"type": "integer", "minimum": 0, "maximum": MAX_SEQ},
    }
    return {
        "title": name,
        **described,
        "properties": envelope | described["properties"],
        "required": ["type", "seq", *described["required"]],
    }


def object_schema(kind: type[Any]) -> dict[str, Any]:
    """Return the schema of a dataclass."""
    properties: dict[str, Any] = {}
    required: list[str] = []
    texts = field_texts(kind)
    choices: list[dict[str, Any]] = []
    for name, hint in hints(kind).items():
        inner, optional = strip_optional(hint)
        choice = next((each for each in notes(inner) if isinstance(each, TaggedUnion)), None)
        properties[name] = {"type": "object"} if choice else _value_schema(inner)
        if name in texts:
            properties[name] = {**properties[name], "description": texts[name]}
        if not optional:
            required.append(name)
        if choice:
            choices = [
                _when(choice.tag_field, tag, name, each) for tag, each in choice.types.items()
            ]
    described = {"type": "object", "description": summary(kind), "properties": properties}
    return described | {"required": required} | ({"allOf": choices} if choices else {})


def _when(by: str, tag: str, name: str, kind: type[Any]) -> dict[str, Any]:
    return {
        "if": {"properties": {by: {"const": str(tag)}}, "required": [by]},
        "then": {"properties": {name: object_schema(kind)}},
    }


def _value_schema(hint: Any) -> dict[str, Any]:
    for note in notes(hint):
        match note:
            case TextBounds():
                bounds = {
                    "type": "string",
                    "minLength": note.min_length,
                    "maxLength": note.max_length,
                }
                return bounds | ({"pattern": f"^{note.pattern}$"} if note.pattern else {})
            case IntegerBounds():
                return {"type": "integer", "minimum": note.minimum, "maximum": note.maximum}
            case BytesBounds():
                return _octets_schema(note)
            case ListBounds():
                inner = get_args(get_args(hint)[0])[0]
                return {"type": "array", "maxItems": note.max_items, "items": _value_schema(inner)}
    if hint is bool:
        return {"type": "boolean"}
    if isinstance(hint, type) and issubclass(hint, StrEnum):
        return {"enum": [member.value for member in hint]}
    if is_dataclass(hint) and isinstance(hint, type):
        return object_schema(hint)
    raise TypeError(hint)


def _octets_schema(note: BytesBounds) -> dict[str, Any]:
    return {
        "type": "string",
        "contentEncoding": "base64url",
        "pattern": "^[A-Za-z0-9_-]*$",
        "minLength": -(-4 * note.min_length // 3),
        "maxLength": -(-4 * note.max_length // 3),
    }
