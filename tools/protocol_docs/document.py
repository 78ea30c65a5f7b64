"""Writes docs/bridge-protocol.md and its schema from the protocol types and `page.md`.

python -m tools.protocol_docs.document docs
"""

import ast
import inspect
import itertools
import json
import re
import sys
from collections.abc import Iterable
from enum import StrEnum
from pathlib import Path
from typing import Any, get_args

from reader_bridge.protocol import enums, limits
from reader_bridge.protocol.codec import (
    BytesBounds,
    IntegerBounds,
    ListBounds,
    TaggedUnion,
    TextBounds,
)
from reader_bridge.protocol.failure_codes import FAILURE_ADVICE, FailureValues
from reader_bridge.protocol.messages import BRIDGE_MESSAGES, SERVER_MESSAGES
from reader_bridge.protocol.operation_payloads import PARAMETERS, RESULT_VALUES, ReaderEntry, Tries
from reader_bridge.protocol.pairing_messages import Resume
from reader_bridge.protocol.word_list import PAIRING_WORDS
from tools.protocol_docs.schema import field_texts, hints, notes, schema, strip_optional, summary
from tools.protocol_docs.vectors import vectors

TEMPLATE = "page.md"
PAGE, SCHEMA = "bridge-protocol.md", "bridge-protocol.schema.json"
_MARK = re.compile("<!-- ([a-z]+) -->")
_OBJECTS: tuple[type[Any], ...] = (Resume, ReaderEntry, Tries, FailureValues)
_ENUMS: tuple[type[StrEnum], ...] = (
    enums.PinPurpose,
    enums.ProfileName,
    enums.KeyRole,
    enums.SignatureAlgorithm,
    enums.ProgressStep,
    enums.PairRefusal,
    enums.UnpairReason,
    enums.ByeReason,
    enums.ProtocolErrorCode,
)


def page() -> str:
    """Return the page."""
    made = {
        "limits": _limits(),
        "states": _states(),
        "operations": _together(_operation(name) for name in PARAMETERS),
        "objects": _together(_object(kind.__name__, kind) for kind in _OBJECTS),
        "server": _together(_object(f"`{name}`", kind) for name, kind in SERVER_MESSAGES.items()),
        "bridge": _together(
            _object(f"`{name}`", kind) for name, kind in BRIDGE_MESSAGES.items() if name != "error"
        ),
        "lists": _together(_list(kind) for kind in _ENUMS),
        "failures": _failures(),
        "vectors": _table(("what", "value"), ((name, f"`{value}`") for name, value in vectors())),
        "words": _words(),
    }
    text = (Path(__file__).parent / TEMPLATE).read_text(encoding="utf-8")
    return _MARK.sub(lambda mark: made[mark[1]], text)


def schema_text() -> str:
    """Return the schema as text."""
    return json.dumps(schema(), indent=1, ensure_ascii=False) + "\n"


def write_documents(directory: Path) -> None:
    """Write both files to a directory."""
    (directory / PAGE).write_text(page(), encoding="utf-8")
    (directory / SCHEMA).write_text(schema_text(), encoding="utf-8")


def _together(parts: Iterable[str]) -> str:
    return "\n\n".join(parts)


def _table(head: tuple[str, ...], rows: Iterable[tuple[str, ...]]) -> str:
    lines = [head, tuple("---" for _ in head), *rows]
    return "\n".join(
        "| " + " | ".join(cell.replace("|", "\\|") for cell in row) + " |" for row in lines
    )


def _object(title: str, kind: type[Any]) -> str:
    texts = field_texts(kind)
    rows = [(f"`{name}`", _kind(hint), texts.get(name, "")) for name, hint in hints(kind).items()]
    described = f"### {title}\n\n{summary(kind)}"
    return f"{described}\n\n{_table(('field', 'kind', 'meaning'), rows)}" if rows else described


def _operation(name: enums.Operation) -> str:
    parameters = _object(f"`{name}`", PARAMETERS[name])
    value = _object("", RESULT_VALUES[name]).removeprefix("### ").strip()
    return f"{parameters}\n\n{value}"


def _kind(hint: Any) -> str:
    inner, optional = strip_optional(hint)
    return _plain_kind(inner) + (", optional" if optional else "")


def _plain_kind(hint: Any) -> str:
    for note in notes(hint):
        match note:
            case TextBounds(pattern=""):
                return f"text, {note.min_length} to {note.max_length} characters"
            case TextBounds():
                return f"text, {note.min_length} to {note.max_length} of `{note.pattern}`"
            case IntegerBounds():
                return f"number, {note.minimum} to {note.maximum}"
            case BytesBounds() if note.min_length == note.max_length:
                return f"{note.max_length} bytes"
            case BytesBounds():
                return f"{note.min_length} to {note.max_length} bytes"
            case ListBounds():
                inner = _plain_kind(get_args(get_args(hint)[0])[0])
                return f"list of at most {note.max_items}: {inner}"
            case TaggedUnion():
                return f"object, see the {note.tag_field}"
    return "true or false" if hint is bool else str(hint.__name__)


def _limits() -> str:
    tree = ast.parse(inspect.getsource(limits))
    texts = _texts_below(tree.body)
    rows = []
    for each in tree.body:
        if isinstance(each, ast.AnnAssign) and isinstance(each.target, ast.Name):
            name = each.target.id
            rows.append((f"`{name}`", str(getattr(limits, name)), texts.get(name, "")))
    return _table(("limit", "value", "meaning"), rows)


def _states() -> str:
    texts = _member_texts(enums.SessionState)
    rows = []
    for state in enums.SessionState:
        allowed = [op for op, states in enums.ALLOWED_IN.items() if state in states]
        rows.append((f"`{state}`", texts.get(state.name, ""), "all" if allowed else "none"))
    return _table(("state", "meaning", "operations that can start"), rows)


def _list(kind: type[StrEnum]) -> str:
    texts = _member_texts(kind)
    rows = [(f"`{member.value}`", texts.get(member.name, "")) for member in kind]
    return f"### {kind.__name__}\n\n{summary(kind)}\n\n{_table(('value', 'meaning'), rows)}"


def _failures() -> str:
    rows = [
        (f"`{code.value}`", advice.cause, advice.remedy, "yes" if advice.can_retry else "no")
        for code, advice in FAILURE_ADVICE.items()
    ]
    return _table(("code", "cause", "remedy", "can be started again"), rows)


def _words() -> str:
    rows = []
    for first in range(0, len(PAIRING_WORDS), 8):
        words = PAIRING_WORDS[first : first + 8]
        rows.append((str(first), *(f"{word.english} {word.chinese}" for word in words)))
    return _table(("from", *(f"+{step}" for step in range(8))), rows)


def _member_texts(kind: type[StrEnum]) -> dict[str, str]:
    tree = ast.parse(inspect.getsource(kind))
    (declared,) = tree.body
    return _texts_below(declared.body) if isinstance(declared, ast.ClassDef) else {}


def _texts_below(body: list[ast.stmt]) -> dict[str, str]:
    """Return the string below each assignment, by the name assigned to."""
    texts = {}
    for each, following in itertools.pairwise(body):
        targets = each.targets if isinstance(each, ast.Assign) else [getattr(each, "target", None)]
        name = targets[0].id if isinstance(targets[0], ast.Name) else None
        if name and isinstance(following, ast.Expr) and isinstance(following.value, ast.Constant):
            texts[name] = " ".join(str(following.value.value).split())
    return texts


if __name__ == "__main__":
    write_documents(Path(sys.argv[1]))
