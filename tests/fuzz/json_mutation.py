"""JSON in order, with a few things in it that are not."""

import json
from collections.abc import Iterator, Sequence
from copy import deepcopy
from typing import Any

from hypothesis import reject
from hypothesis import strategies as st

Path = tuple[str | int, ...]

EDGES = (0, -1, 1, 2**31 - 1, 2**31, 2**32, 2**53, 2**63 - 1, 2**63, 10**17, 10**30, -(2**63))
SCALARS = st.one_of(
    st.none(),
    st.booleans(),
    st.sampled_from(EDGES),
    st.integers(),
    st.floats(),
    st.text(max_size=20),
    st.sampled_from(["", "x" * 5000, "9" * 4096, "\u0000", "\ud800", "\u202e", "<b>", "&amp;"]),
)
VALUES = st.recursive(
    SCALARS,
    lambda inner: st.lists(inner, max_size=3) | st.dictionaries(st.text(max_size=8), inner),
    max_leaves=6,
)
_MAX_DEPTH = 30
"""Depth of a value from which it is not nested further, so that it can be copied and walked."""
ACTIONS = ("replace", "delete", "copy", "add", "nest")


@st.composite
def mutated(draw: st.DrawFn, templates: Sequence[Any]) -> Any:
    """One of the templates with up to four changes."""
    value = _copy(draw(st.sampled_from(templates)))
    for _ in range(draw(st.integers(0, 4))):
        paths = list(_walk(value))
        if not paths:
            break
        path = draw(st.sampled_from(paths))
        value = _change(draw, value, path, draw(st.sampled_from(ACTIONS)), paths)
    return value


def encode(value: Any) -> bytes:
    """Return a value as JSON, also where it has what JSON does not allow."""
    return json.dumps(value).encode()


def _copy(value: Any) -> Any:
    """Copy a value; one whose changes nested it too deep for that is no input."""
    try:
        return deepcopy(value)
    except RecursionError:
        reject()


def _walk(value: Any, path: Path = ()) -> Iterator[Path]:
    """Yield the way to each part of a value, but not to the whole."""
    parts: Iterator[tuple[str | int, Any]] = iter(())
    if isinstance(value, dict):
        parts = iter(value.items())
    elif isinstance(value, list):
        parts = iter(enumerate(value))
    for key, part in parts:
        yield (*path, key)
        yield from _walk(part, (*path, key))


def _change(draw: st.DrawFn, value: Any, path: Path, action: str, paths: list[Path]) -> Any:
    holder = _follow(value, path[:-1])
    key = path[-1]
    match action:
        case "delete":
            del holder[key]
        case "copy":
            holder[key] = _copy(_follow(value, draw(st.sampled_from(paths))))
        case "add" if isinstance(holder, dict):
            names = sorted({str(each[-1]) for each in paths})
            holder[draw(st.sampled_from(names) | st.text(max_size=12))] = draw(VALUES)
        case "nest" if max(map(len, paths)) < _MAX_DEPTH:
            for _ in range(draw(st.sampled_from([1, 3, 30, 300]))):
                holder[key] = {str(key): holder[key]}
        case _:
            holder[key] = draw(VALUES)
    return value


def _follow(value: Any, path: Path) -> Any:
    for key in path:
        value = value[key]
    return value
